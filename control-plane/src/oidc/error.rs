//! Why a sign-in at a provider fails, and what the person reads about it.

use crate::person::InvalidUser;
use crate::random::RandomError;
use crate::seal::SealError;
use crate::store::StoreError;

/// The cause of a failure, for the log.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of which only the words are left.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(String);

impl Failure {
    pub(super) fn cause(words: impl Into<String>) -> Cause {
        Box::new(Self(words.into()))
    }
}

/// Why a sign-in at a provider fails.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider does not answer, or not as it should.
    #[error("the provider does not answer as it should: {0}")]
    Unavailable(#[source] Cause),
    /// The browser did not begin this sign-in, or too long ago, or it has ended already.
    #[error("the state is not that of a sign-in under way in this browser")]
    State,
    /// The provider, or the person there, said no.
    #[error("the provider answered {error}: {description}")]
    Denied {
        /// The registered error code.
        error: String,
        /// The provider's words.
        description: String,
        /// Where the sign-in was begun for.
        return_to: String,
    },
    /// The answer names another issuer (RFC 9207).
    #[error("the answer came from another issuer")]
    Issuer,
    /// The provider did not take the code.
    #[error("the provider did not take the code: {0}")]
    Exchange(#[source] Cause),
    /// The ID token is missing or no good.
    #[error("the ID token is no good: {0}")]
    IdToken(#[source] Cause),
    /// The userinfo endpoint did not answer as it should.
    #[error("the userinfo endpoint does not answer as it should: {0}")]
    UserInfo(#[source] Cause),
    /// Nobody can be signed in under what the provider says.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The sign-in under way could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<sqlx::Error> for OidcError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why nobody can be signed in under what a provider says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// A claim that we need is missing, or is no text.
    #[error("the claim {0:?} is missing or is no text")]
    Claim(String),
    /// The user name is an e-mail address that nobody has verified.
    #[error("the e-mail address {0:?} is not verified")]
    EmailNotVerified(String),
    /// The user name cannot be used.
    #[error("the user name {user:?} {why}")]
    User {
        /// The mapped user name.
        user: String,
        /// Why not.
        why: InvalidUser,
    },
    /// The subject or uid cannot be carried.
    #[error("the claim {0:?} holds a comma, a control character or a character outside ASCII, or is too long")]
    Uid(String),
}

impl OidcError {
    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "provider-unavailable",
            Self::State => "state-mismatch",
            Self::Denied { .. } => "denied",
            Self::Issuer => "wrong-issuer",
            Self::Exchange(_) => "code-refused",
            Self::IdToken(_) => "bad-id-token",
            Self::UserInfo(_) => "bad-userinfo",
            Self::Identity(IdentityError::Claim(_)) => "claim-missing",
            Self::Identity(IdentityError::EmailNotVerified(_)) => "email-not-verified",
            Self::Identity(IdentityError::User { .. } | IdentityError::Uid(_)) => "bad-user-name",
            Self::Store(_) | Self::Random(_) | Self::Seal(_) => "internal",
        }
    }

    /// What the person reads: the message of the pages, which has a title, what went wrong and what to do, and what fills
    /// its places besides the provider's name.
    #[must_use]
    pub fn for_the_person(&self) -> (&'static str, Vec<(&'static str, String)>) {
        match self {
            Self::Unavailable(_) | Self::UserInfo(_) => ("error-provider-unavailable", vec![]),
            Self::State => ("error-state-mismatch", vec![]),
            Self::Denied { error, description, .. } => {
                let words = if description.is_empty() { error } else { description };
                ("error-denied", vec![("words", words.clone())])
            }
            Self::Issuer | Self::Exchange(_) | Self::IdToken(_) => ("error-bad-answer", vec![]),
            Self::Identity(IdentityError::Claim(claim)) => ("error-claim-missing", vec![("claim", claim.clone())]),
            Self::Identity(IdentityError::EmailNotVerified(email)) => {
                ("error-email-not-verified", vec![("email", email.clone())])
            }
            Self::Identity(error) => ("error-bad-user-name", vec![("problem", error.to_string())]),
            Self::Store(_) | Self::Random(_) | Self::Seal(_) => ("error-internal", vec![]),
        }
    }
}
