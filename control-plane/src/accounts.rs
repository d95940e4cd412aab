//! The built-in accounts: people with a password in the configuration, so that nothing else is
//! needed to try Kubegate.

pub(crate) mod limiter;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use kubegate_core::secret::Secret;
use kubegate_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use self::limiter::Limiter;
use crate::person::Identity;
use crate::random;

/// The id of this provider.
pub const PROVIDER: &str = "accounts";

/// The longest password that is looked at.
const MAX_PASSWORD: usize = 1024;

/// How many passwords are checked at once; each takes a core for some 20 ms and 19 MiB.
const AT_ONCE: usize = 2;

/// How long a sign-in waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// One account of the configuration.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user name, which is also what the person types.
    pub user: String,
    /// The argon2id hash of the password, in PHC form.
    pub password_hash: Secret,
    /// The person's groups.
    pub groups: Vec<String>,
    /// The person's e-mail address, which counts as verified.
    pub email: Option<String>,
    /// The uid that API servers see.
    pub uid: Option<String>,
}

/// Why a sign-in is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such account, or its password is another. Which of the two is not told.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// Too many attempts from this address for this account.
    #[error("too many failed attempts; the next one counts in {} s", .0.as_secs().max(1))]
    Wait(Duration),
    /// Too many people sign in at this moment.
    #[error("too many people are signing in at this moment")]
    Busy,
}

/// The built-in accounts.
#[derive(Debug)]
pub struct Accounts {
    accounts: HashMap<String, Arc<Account>>,
    template: Option<Arc<Account>>,
    turns: Semaphore,
    limiter: Limiter,
}

impl Accounts {
    /// The given accounts.
    #[must_use]
    pub fn new(accounts: Vec<Account>) -> Self {
        let accounts: Vec<Arc<Account>> = accounts.into_iter().map(Arc::new).collect();
        Self {
            template: accounts.first().cloned(),
            accounts: accounts.into_iter().map(|account| (account.user.clone(), account)).collect(),
            turns: Semaphore::new(AT_ONCE),
            limiter: Limiter::default(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Checks a password. An unknown user costs as long as a wrong password.
    ///
    /// # Errors
    /// Why the sign-in is refused.
    pub async fn sign_in(
        &self,
        user: &str,
        password: Secret,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Identity, Refused> {
        self.limiter.check(user, address, now).map_err(Refused::Wait)?;
        let account = self.accounts.get(user).cloned();
        let known = account.is_some();
        let Some(account) = account.or_else(|| self.template.clone()) else {
            return Err(Refused::Wrong);
        };
        let turn = tokio::time::timeout(WAIT, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Refused::Busy);
        };
        // Once more: of many attempts at once, all came past the check before the first one failed.
        self.limiter.check(user, address, now).map_err(Refused::Wait)?;
        let checked = Arc::clone(&account);
        let matches = tokio::task::spawn_blocking(move || password_matches(&checked, &password)).await.unwrap_or(false);
        if known && matches {
            self.limiter.succeeded(user, address);
            Ok(identity_of(&account))
        } else {
            self.limiter.failed(user, address, now);
            Err(Refused::Wrong)
        }
    }

    /// What an account's identity is now; `None` when the account is gone or its password is another.
    #[must_use]
    pub fn current(&self, identity: &Identity) -> Option<Identity> {
        let now = identity_of(self.accounts.get(&identity.subject)?);
        (now.credential == identity.credential && now.user == identity.user).then_some(now)
    }
}

fn password_matches(account: &Account, password: &Secret) -> bool {
    if password.expose().len() > MAX_PASSWORD {
        return false;
    }
    PasswordHash::new(account.password_hash.expose())
        .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

fn identity_of(account: &Account) -> Identity {
    let digest = Sha256::digest(account.password_hash.expose().as_bytes());
    Identity {
        provider: PROVIDER.to_owned(),
        subject: account.user.clone(),
        user: account.user.clone(),
        uid: account.uid.clone(),
        email: account.email.clone(),
        groups: account.groups.clone(),
        claims: BTreeMap::new(),
        acr: None,
        amr: vec!["pwd".to_owned()],
        credential: Some(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()),
    }
}

/// Why a password hash in the configuration cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHash {
    /// Not in PHC form.
    #[error("is no password hash in PHC form")]
    Form,
    /// Another algorithm.
    #[error("is no argon2id hash")]
    Algorithm,
    /// Cheaper to guess than is good today.
    #[error("is cheaper to guess than it should be today (at least m=19456,t=2, or as much by OWASP's table)")]
    Weak,
}

/// What a hash has to cost at least: memory in KiB, and passes over it. Each is as good as the others (OWASP Password
/// Storage Cheat Sheet, argon2id).
const COSTS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// Checks that `hash` is an argon2id hash in PHC form that costs enough.
///
/// # Errors
/// Why it is not.
pub fn check_hash(hash: &str) -> Result<(), InvalidHash> {
    let hash = PasswordHash::new(hash).map_err(|_| InvalidHash::Form)?;
    if hash.algorithm != argon2::ARGON2ID_IDENT || hash.hash.is_none() || hash.salt.is_none() {
        return Err(InvalidHash::Algorithm);
    }
    let params = Params::try_from(&hash).map_err(|_| InvalidHash::Form)?;
    let strong = COSTS.iter().any(|(memory, passes)| params.m_cost() >= *memory && params.t_cost() >= *passes);
    if strong { Ok(()) } else { Err(InvalidHash::Weak) }
}

/// A password could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// No randomness for the salt.
    #[error(transparent)]
    Random(#[from] random::RandomError),
    /// Argon2 refused.
    #[error("the password cannot be hashed: {0}")]
    Argon2(argon2::password_hash::Error),
    /// An empty password protects nothing.
    #[error("the password is empty")]
    Empty,
    /// A password longer than is ever looked at.
    #[error("the password is longer than {MAX_PASSWORD} bytes")]
    TooLong,
}

/// The argon2id hash of `password` in PHC form, with OWASP's parameters (19 MiB, 2 passes, 1 lane).
///
/// # Errors
/// When the password is empty or too long, or there is no randomness.
pub fn hash_password(password: &Secret) -> Result<String, HashError> {
    match password.expose().len() {
        0 => return Err(HashError::Empty),
        length if length > MAX_PASSWORD => return Err(HashError::TooLong),
        _ => {}
    }
    let salt = random::id("")?.replace(['-', '_'], "a");
    let salt = Salt::from_b64(&salt).map_err(HashError::Argon2)?;
    let params = Params::new(19_456, 2, 1, None).map_err(|error| HashError::Argon2(error.into()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password(password.expose().as_bytes(), salt).map_err(HashError::Argon2)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn accounts() -> Accounts {
        let hash = hash_password(&Secret::from("correct horse")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        Accounts::new(vec![Account {
            user: "alice@example.com".into(),
            password_hash: hash.into(),
            groups: vec!["admins".into()],
            email: None,
            uid: None,
        }])
    }

    #[tokio::test]
    async fn the_right_password_signs_in() {
        let accounts = accounts();
        let identity = accounts.sign_in("alice@example.com", Secret::from("correct horse"), HOME, NOW).await.unwrap();
        assert_eq!(identity.person().as_str(), "accounts:alice@example.com");
        assert_eq!(accounts.current(&identity), Some(identity.clone()));
        let others = self::accounts();
        assert_eq!(others.current(&identity), None, "the password was set anew, with another salt");
    }

    #[tokio::test]
    async fn wrong_and_unknown_are_told_alike() {
        let accounts = accounts();
        for (user, password) in [("alice@example.com", "wrong"), ("mallory", "correct horse"), ("", "")] {
            let refused = accounts.sign_in(user, Secret::from(password), HOME, NOW).await.unwrap_err();
            assert_eq!(refused, Refused::Wrong, "{user}");
        }
        let none = Accounts::new(vec![]);
        assert_eq!(none.sign_in("a", Secret::from("b"), HOME, NOW).await.unwrap_err(), Refused::Wrong);
    }

    #[tokio::test]
    async fn many_guesses_at_once_are_slowed_down_like_one_after_the_other() {
        let accounts = Arc::new(accounts());
        let mut guesses = tokio::task::JoinSet::new();
        for guess in 0..30 {
            let accounts = Arc::clone(&accounts);
            guesses.spawn(async move {
                let password = Secret::from(format!("guess {guess}"));
                accounts.sign_in("alice@example.com", password, HOME, NOW).await.unwrap_err()
            });
        }
        let refused = guesses.join_all().await;
        let checked = refused.iter().filter(|refused| **refused == Refused::Wrong).count();
        assert!(checked < limiter::FREE as usize + AT_ONCE, "{checked} of 30 passwords were looked at");
    }

    #[test]
    fn hashes_of_the_configuration() {
        assert_eq!(check_hash("hunter2"), Err(InvalidHash::Form));
        let argon2i = "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$GpZ3sK/oH9p7VIiV56G/64Zo/8GaUw434IimaPqxwCo";
        assert_eq!(check_hash(argon2i), Err(InvalidHash::Algorithm));
        let ours = hash_password(&Secret::from("x")).unwrap();
        assert_eq!(check_hash(&ours), Ok(()));
        for (cost, good) in [("m=4096,t=3,p=1", false), ("m=19456,t=1,p=1", false), ("m=12288,t=3,p=1", true)] {
            let other = ours.replace("m=19456,t=2,p=1", cost);
            assert_eq!(check_hash(&other).is_ok(), good, "{cost}");
        }
    }
}
