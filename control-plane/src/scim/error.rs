//! Why a push is refused, in SCIM's words (RFC 7644 section 3.12).

use crate::random::RandomError;
use crate::store::StoreError;

/// What is wrong with something that was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// The registered word.
    pub kind: InvalidKind,
    /// What, and what helps.
    pub detail: String,
}

/// The registered words for bad requests (RFC 7644 table 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidKind {
    /// The filter is not valid, or asks for what is not offered.
    Filter,
    /// The body is not what it should be.
    Syntax,
    /// The path of a change is not valid.
    Path,
    /// The path of a change names nothing.
    NoTarget,
    /// A value is missing, or is not what the attribute takes.
    Value,
    /// There is too much of it.
    TooMany,
}

impl InvalidKind {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "invalidFilter",
            Self::Syntax => "invalidSyntax",
            Self::Path => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::Value => "invalidValue",
            Self::TooMany => "tooMany",
        }
    }
}

impl Invalid {
    pub(crate) fn new(kind: InvalidKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::new(InvalidKind::Value, detail)
    }
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum ScimError {
    /// Something that was sent is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such resource of this provider.
    #[error("there is no {what} with the id {id:?}")]
    NotFound {
        /// A user, or a group.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// Another resource has the value already.
    #[error("{0}")]
    Uniqueness(String),
    /// The provider has pushed as much as there may be.
    #[error("{0}")]
    Full(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<sqlx::Error> for ScimError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
