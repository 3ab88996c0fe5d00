//! Who has the screen: the line editor while somebody types, and others only while nobody does.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

/// What the editor is doing. Clones tell of the same one.
#[derive(Clone, Default)]
pub(super) struct Stage(Arc<(Mutex<Scene>, Condvar)>);

/// Where the editor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scene {
    /// It has no prompt on the screen, and will not have one soon.
    #[default]
    Away,
    /// It is about to show a prompt, or to leave one: nobody else may write.
    Between,
    /// It waits at its prompt, and shows above it what it is told.
    Editing,
}

impl Stage {
    pub(super) fn set(&self, scene: Scene) {
        *self.now() = scene;
        self.0.1.notify_all();
    }

    /// Waits until the editor is at its prompt, or away. As long as the answer is held it stays away.
    pub(super) fn settled(&self) -> MutexGuard<'_, Scene> {
        self.wait_while(|scene| scene == Scene::Between)
    }

    /// Waits until the editor is away, where it stays as long as the answer is held.
    pub(super) fn left(&self) -> MutexGuard<'_, Scene> {
        self.wait_while(|scene| scene != Scene::Away)
    }

    fn wait_while(&self, condition: impl Fn(Scene) -> bool) -> MutexGuard<'_, Scene> {
        self.0.1.wait_while(self.now(), |scene| condition(*scene)).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> MutexGuard<'_, Scene> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The editor asks for a hint before it shows its prompt, and again with each key.
impl Hinter for Stage {
    type Hint = String;

    fn hint(&self, _: &str, _: usize, _: &Context<'_>) -> Option<String> {
        self.set(Scene::Editing);
        None
    }
}

/// The editor asks whether the line is complete before it leaves it.
impl Validator for Stage {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.set(Scene::Between);
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Stage {
    type Candidate = String;
}

impl Highlighter for Stage {}

impl Helper for Stage {}
