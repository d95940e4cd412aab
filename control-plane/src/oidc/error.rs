//! Why a sign-in at a provider fails, and what the person reads about it.

use super::client_key::SignError;
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
    /// The answer names no issuer, though the provider says that all of its answers do (RFC 9207).
    #[error("the answer does not say which issuer it came from, as all of this provider's do")]
    IssuerMissing,
    /// The provider did not take the code.
    #[error("the provider did not take the code: {0}")]
    Exchange(#[source] Cause),
    /// The ID token is missing or no good.
    #[error("the ID token is no good: {0}")]
    IdToken(#[source] Cause),
    /// The userinfo endpoint did not answer as it should.
    #[error("the userinfo endpoint does not answer as it should: {0}")]
    UserInfo(#[source] Cause),
    /// The userinfo endpoint does not take the access token.
    #[error("the userinfo endpoint does not take the access token: {0}")]
    UserInfoRefused(#[source] Cause),
    /// The source of groups does not answer as it should.
    #[error("the source of groups does not answer as it should: {0}")]
    Groups(#[source] Cause),
    /// The client's key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
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
    /// The provider answered about somebody else than it was asked about.
    #[error("the answer is about another person")]
    AnotherPerson,
    /// The groups are no list of names.
    #[error("the claim {0:?} is no list of names, which groups have to be")]
    Groups(String),
    /// Entra has left the groups out of the token.
    #[error("there are too many groups for the provider's token, which leaves them all out")]
    Overage,
    /// Somebody who is in none of the organisations of the configuration.
    #[error(
        "{0:?} is in none of the organisations whose members may sign in, or the organisation has not approved Kubegate"
    )]
    Organization(String),
    /// The subject or uid cannot be carried.
    #[error("the claim {0:?} holds a comma, a control character or a character outside ASCII, or is too long")]
    Uid(String),
}

impl OidcError {
    /// The provider did not answer in time.
    pub(crate) fn too_slow() -> Self {
        Self::Unavailable(Failure::cause("it took too long"))
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "provider-unavailable",
            Self::State => "state-mismatch",
            Self::Denied { .. } => "denied",
            Self::Issuer => "wrong-issuer",
            Self::IssuerMissing => "issuer-missing",
            Self::Exchange(_) => "code-refused",
            Self::IdToken(_) => "bad-id-token",
            Self::UserInfo(_) | Self::UserInfoRefused(_) => "bad-userinfo",
            Self::Identity(IdentityError::Claim(_)) => "claim-missing",
            Self::Groups(_) => "groups-unavailable",
            Self::Identity(IdentityError::Groups(_)) => "bad-groups",
            Self::Identity(IdentityError::Overage) => "groups-overage",
            Self::Identity(IdentityError::Organization(_)) => "not-in-organization",
            Self::Identity(IdentityError::AnotherPerson) => "another-person",
            Self::Identity(IdentityError::EmailNotVerified(_)) => "email-not-verified",
            Self::Identity(IdentityError::User { .. } | IdentityError::Uid(_)) => "bad-user-name",
            Self::Store(_) | Self::Random(_) | Self::Seal(_) | Self::Sign(_) => "internal",
        }
    }

    /// What the person reads: the message of the pages, which has a title, what went wrong and what to do, and what fills
    /// its places besides the provider's name.
    #[must_use]
    pub fn for_the_person(&self) -> (&'static str, Vec<(&'static str, String)>) {
        match self {
            Self::Unavailable(_) | Self::UserInfo(_) | Self::UserInfoRefused(_) => {
                ("error-provider-unavailable", vec![])
            }
            Self::Groups(_) => ("error-groups-unavailable", vec![]),
            Self::State => ("error-state-mismatch", vec![]),
            Self::Denied { error, description, .. } => {
                let words = if description.is_empty() { error } else { description };
                ("error-denied", vec![("words", words.clone())])
            }
            Self::Issuer
            | Self::IssuerMissing
            | Self::Exchange(_)
            | Self::IdToken(_)
            | Self::Identity(IdentityError::AnotherPerson) => ("error-bad-answer", vec![]),
            Self::Identity(IdentityError::Claim(claim)) => ("error-claim-missing", vec![("claim", claim.clone())]),
            Self::Identity(IdentityError::EmailNotVerified(email)) => {
                ("error-email-not-verified", vec![("email", email.clone())])
            }
            Self::Identity(IdentityError::Groups(claim)) => ("error-bad-groups", vec![("claim", claim.clone())]),
            Self::Identity(IdentityError::Overage) => ("error-groups-overage", vec![]),
            Self::Identity(IdentityError::Organization(login)) => {
                ("error-not-in-organization", vec![("login", login.clone())])
            }
            Self::Identity(error) => ("error-bad-user-name", vec![("problem", error.to_string())]),
            Self::Store(_) | Self::Random(_) | Self::Seal(_) | Self::Sign(_) => ("error-internal", vec![]),
        }
    }
}
