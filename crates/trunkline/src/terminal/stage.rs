//! Who may write on the screen: the line editor while somebody types, everybody else between two prompts.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

/// Where the editor is. Clones tell of the same one.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<(Mutex<Scene>, Condvar)>);

/// What the editor is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scene {
    /// Nothing: it has no prompt on the screen.
    #[default]
    Between,
    /// It shows its prompt, or is about to, and shows what is said above it.
    Editing,
    /// The line is complete, and its end is about to be shown.
    Leaving,
}

impl Stage {
    /// The line is over: the editor has nothing on the screen any more.
    pub(super) fn between(&self) {
        *self.lock() = Scene::Between;
        self.0.1.notify_all();
    }

    /// What the editor is doing, once it is not about to leave its line. As long as it is held, that stays so, unless it
    /// is editing.
    pub(super) fn settled(&self) -> MutexGuard<'_, Scene> {
        let leaving = |scene: &mut Scene| *scene == Scene::Leaving;
        self.0.1.wait_while(self.lock(), leaving).unwrap_or_else(PoisonError::into_inner)
    }

    fn goes(&self, from: Scene, to: Scene) {
        let mut scene = self.lock();
        if *scene == from {
            *scene = to;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Scene> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The editor asks for a hint before it shows its prompt.
impl Hinter for Stage {
    type Hint = String;

    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.goes(Scene::Between, Scene::Editing);
        None
    }
}

/// The editor asks whether the line is complete before it leaves it.
impl Validator for Stage {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.goes(Scene::Editing, Scene::Leaving);
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Stage {
    type Candidate = String;
}

impl Highlighter for Stage {}

impl Helper for Stage {}
