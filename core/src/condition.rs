//! Conditions of rules (`when:`), in the Common Expression Language (<https://cel.dev>).
//!
//! The text is parsed where policies are written; the bundle carries its syntax tree, so the filter holds no parser. Both
//! evaluate with the same code, the `cel` crate's. What a condition may contain is bounded ([`MAX_NODES`], [`MAX_DEPTH`],
//! no loop inside a loop, none that CEL's macros do not make), and only names and functions that are known here may stand
//! in it.
//!
//! Times are numbers of seconds since 1970, and `timestamp(…)` and `duration(…)` make such numbers, so that time zones'
//! rules need not be in the filter.

mod functions;
#[cfg(feature = "authoring")]
mod parse;
mod tree;
mod variables;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::{Context, Env, ExecutionError, IdedExpr, Value};
use serde::{Deserialize, Serialize};

pub use tree::{MAX_DEPTH, MAX_NODES, UnusableTree};
use tree::{Node, Survey};
pub use variables::{Circumstances, VARIABLES};

use crate::request::Attributes;

/// The longest condition, in bytes.
pub const MAX_TEXT: usize = 2048;

/// A condition: its text and its syntax tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Condition {
    text: String,
    tree: Arc<IdedExpr>,
    survey: Arc<Survey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    text: String,
    tree: Node,
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::default().with_optional_support(false).with_stdlib();
    // Declaring them fails only when a name stands twice; then expressions that use it fail, which denies.
    let _ = functions::declare(&mut environment);
    Arc::new(environment)
});

impl Condition {
    /// The text, as its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The claims of the person that it asks for; session tokens must carry them.
    #[must_use]
    pub fn claims(&self) -> &BTreeSet<String> {
        &self.survey.claims
    }

    /// The groups of the person that it asks for by name; `None` when any group may matter to it.
    #[must_use]
    pub fn groups(&self) -> Option<&BTreeSet<String>> {
        (!self.survey.all_groups).then_some(&self.survey.groups)
    }

    /// Whether it asks where the request comes from.
    #[must_use]
    pub fn asks_for_source(&self) -> bool {
        self.survey.source
    }

    /// Whether it asks what time it is.
    #[must_use]
    pub fn asks_for_time(&self) -> bool {
        self.survey.time
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// When it cannot be evaluated for this request, or is neither true nor false.
    pub fn holds(&self, circumstances: &Circumstances<'_>, request: &Attributes<'_>) -> Result<bool, ExecutionError> {
        let variables = variables::Variables { circumstances, request };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&variables);
        let value = Value::resolve_val(&self.tree, &context)?;
        let holds = value.downcast_ref::<CelBool>().map(|value| *value.inner());
        let got = || value.get_type().name().to_owned();
        holds.ok_or_else(|| ExecutionError::UnexpectedType { got: got(), want: "bool".to_owned() })
    }

    fn new(text: String, tree: IdedExpr) -> Result<Self, UnusableTree> {
        if text.len() > MAX_TEXT {
            return Err(UnusableTree::TooLong);
        }
        let survey = Survey::of(&tree)?;
        Ok(Self { text, tree: Arc::new(tree), survey: Arc::new(survey) })
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<Wire> for Condition {
    type Error = UnusableTree;

    fn try_from(wire: Wire) -> Result<Self, UnusableTree> {
        Self::new(wire.text, wire.tree.into())
    }
}

impl From<Condition> for Wire {
    fn from(condition: Condition) -> Self {
        let tree = Node::from(condition.tree.as_ref());
        Self { text: condition.text, tree }
    }
}

#[cfg(test)]
#[cfg(feature = "authoring")]
mod tests;
