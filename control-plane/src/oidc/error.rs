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
    /// The userinfo endpoint does not take the access token.
    #[error("the userinfo endpoint does not take the access token: {0}")]
    UserInfoRefused(#[source] Cause),
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
            Self::Exchange(_) => "code-refused",
            Self::IdToken(_) => "bad-id-token",
            Self::UserInfo(_) | Self::UserInfoRefused(_) => "bad-userinfo",
            Self::Identity(IdentityError::Claim(_)) => "claim-missing",
            Self::Identity(IdentityError::AnotherPerson) => "another-person",
            Self::Identity(IdentityError::EmailNotVerified(_)) => "email-not-verified",
            Self::Identity(IdentityError::User { .. } | IdentityError::Uid(_)) => "bad-user-name",
            Self::Store(_) | Self::Random(_) | Self::Seal(_) => "internal",
        }
    }

    /// What the person reads: a title, what went wrong, what to do.
    #[must_use]
    pub fn for_the_person(&self, provider: &str) -> (&'static str, String, String) {
        let operator = "Tell whoever runs Kubegate, with the reference below.".to_owned();
        match self {
            Self::Unavailable(_) | Self::UserInfo(_) | Self::UserInfoRefused(_) => (
                "The identity provider does not answer",
                format!("Kubegate could not reach {provider}, or did not understand its answer."),
                "Try again in a minute. If it stays like this, tell whoever runs Kubegate, with the reference below."
                    .to_owned(),
            ),
            Self::State => (
                "This sign-in is over",
                "It was begun in another browser, more than ten minutes ago, or has ended already.".to_owned(),
                "Begin again where you came from: the start page, or `kubegate login`. Cookies have to be allowed."
                    .to_owned(),
            ),
            Self::Denied { error, description, .. } => (
                "You were not signed in",
                format!("{provider} answered: {}", if description.is_empty() { error } else { description }),
                "Begin again. If you should have access, ask whoever runs the identity provider.".to_owned(),
            ),
            Self::Issuer | Self::Exchange(_) | Self::IdToken(_) => (
                "The identity provider's answer is not valid",
                format!("{provider} sent an answer that Kubegate cannot trust."),
                format!("Begin again. If it happens again: {}", operator.to_lowercase()),
            ),
            Self::Identity(error) => (
                "You cannot be signed in under this name",
                format!("What {provider} says about you cannot be used: {error}."),
                error.remedy().to_owned(),
            ),
            Self::Store(_) | Self::Random(_) | Self::Seal(_) => {
                ("Something failed on our side", "Kubegate could not do what you asked for.".to_owned(), operator)
            }
        }
    }
}

impl IdentityError {
    fn remedy(&self) -> &'static str {
        match self {
            Self::Claim(_) => {
                "Ask whoever runs Kubegate to ask the provider for this claim (scopes), or to use another (claims)."
            }
            Self::EmailNotVerified(_) => {
                "Verify your address at the identity provider. If it does not do that, whoever runs Kubegate can trust it \
                 for your domain (trustEmail)."
            }
            Self::AnotherPerson => "Sign in anew.",
            Self::User { .. } | Self::Uid(_) => {
                "Ask whoever runs the identity provider for another name, or whoever runs Kubegate to take the name from \
                 another claim."
            }
        }
    }
}
