//! YAML, one part after the other.

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::gathered::{Gathered, Place};

/// The parts of a YAML text, in their order.
///
/// Nothing is kept and nothing nests here, and an alias is one part, whatever it stands for: no text can take more
/// memory than it has bytes.
pub(super) struct Parts<'a> {
    pub(super) gathered: &'a mut Gathered,
    /// `None` behind a mistake, from which the parser does not come back.
    parser: Option<Parser<'a, StrInput<'a>>>,
    line: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// The beginning of a list; its members follow.
    List,
    /// The beginning of a mapping; keys and values follow in turn.
    Mapping,
    /// Nothing, as in `key:`, or an alias.
    Other,
    /// The list, the mapping or the text ends here.
    End,
}

impl<'a> Parts<'a> {
    pub(super) fn new(gathered: &'a mut Gathered, text: &'a str) -> Self {
        Self { gathered, parser: Some(Parser::new_from_str(text)), line: 1 }
    }

    /// The next part. A mistake is noted, and the end of all there is.
    pub(super) fn next(&mut self) -> (Part, Place) {
        let part = loop {
            let part = match self.parser.as_mut().and_then(Iterator::next) {
                Some(Ok((event, span))) => {
                    self.line = span.start.line();
                    part(event)
                }
                Some(Err(error)) => {
                    self.parser = None;
                    self.line = error.marker().line();
                    let reason = format!("it is not YAML from here on: {}", error.info());
                    self.gathered.note(&self.place(), "", reason);
                    Some(Part::End)
                }
                None => Some(Part::End),
            };
            if let Some(part) = part {
                break part;
            }
        };
        (part, self.place())
    }

    /// Whether the text ended in a mistake: what was being read is not whole.
    pub(super) fn is_broken(&self) -> bool {
        self.parser.is_none()
    }

    /// Notes a part that has no meaning here, by its own text or else by this one, and passes over what it holds.
    pub(super) fn leave_out(&mut self, (part, place): &(Part, Place), text: &str, reason: &str) {
        if *part == Part::End {
            return; // behind a mistake, which is noted
        }
        let text = if let Part::Text(own) = part { own } else { text };
        self.gathered.note(place, text, reason);
        self.skip(part);
    }

    /// Passes over what a part holds.
    pub(super) fn skip(&mut self, part: &Part) {
        let mut open = usize::from(matches!(part, Part::List | Part::Mapping));
        while open > 0 {
            match self.next().0 {
                Part::List | Part::Mapping => open += 1,
                Part::End => open -= 1,
                Part::Text(_) | Part::Other => {}
            }
        }
    }

    fn place(&self) -> Place {
        self.gathered.place(self.line)
    }
}

/// `None` for what stands around the text.
fn part(event: Event<'_>) -> Option<Part> {
    Some(match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) if ["", "~", "null"].contains(&&*text) => Part::Other,
        Event::Scalar(text, ..) => Part::Text(text.into_owned()),
        Event::SequenceStart(..) => Part::List,
        Event::MappingStart(..) => Part::Mapping,
        Event::Alias(_) => Part::Other,
        Event::SequenceEnd | Event::MappingEnd | Event::StreamEnd => Part::End,
        Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => return None,
    })
}
