//! Requests that were allowed before.
//!
//! Under one policy and one live set, what is decided of a request depends on the token, the host, the method and the path
//! alone, as long as no rule about its person asks for the time or for the source address. So a request that is like one
//! that was allowed is allowed again without asking the rules; its times are compared anew. Nothing is remembered of
//! requests that were refused, or of `kubectl --as`.

use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

use super::stream::{Basis, Opened};
use super::{Grant, Stream};
use crate::cache::Cache;
use crate::inbound::Inbound;
use crate::time::Timestamp;
use crate::token::TokenKind;

/// How much memory the remembered requests may take, in bytes, by estimate.
const MAX_MEMORY: usize = 16 << 20;

/// What a request takes besides its texts, in bytes, by estimate.
const OVERHEAD: usize = 768;

/// Requests with a longer path are asked about each time.
const MAX_PATH: usize = 2048;

/// The bytes of a token's end that stand for it in a hash: they are of its signature, as good as random. Whoever
/// is looked up by the hash is compared in full.
const TAIL: usize = 24;

/// The requests that were allowed under the policy in force.
pub(super) struct Memo {
    requests: Cache<u64, Remembered>,
    hasher: RandomState,
}

/// A request that was allowed.
pub(super) struct Remembered {
    shown: Rc<Shown>,
    authority: Box<str>,
    method: Box<str>,
    path: Box<str>,
    pub(super) validity: Validity,
    pub(super) grant: Rc<Grant>,
    pub(super) opened: Rc<Opened>,
    pub(super) basis: Basis,
}

/// A token as it was shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) kind: TokenKind,
    pub(super) token: Box<str>,
}

/// For how long a decision stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    /// Which live set it was made by.
    pub(super) live: u64,
    /// When it was made: a clock that was set back proves nothing.
    pub(super) since: Timestamp,
    /// When the first of what it rests on ends: the token, its session, an elevation.
    pub(super) until: Timestamp,
}

impl Memo {
    pub(super) fn new() -> Self {
        Self { requests: Cache::new(MAX_MEMORY), hasher: RandomState::new() }
    }

    /// What was decided of a request like this, if that still stands.
    pub(super) fn find(&mut self, inbound: &Inbound<'_>, live: u64, now: Timestamp) -> Option<&Remembered> {
        if inbound.assumed.is_some() || inbound.path.len() > MAX_PATH {
            return None;
        }
        let key = self.key(inbound)?;
        let remembered = self.requests.get(&key)?;
        (remembered.is_of(inbound) && remembered.validity.covers(live, now)).then_some(&*remembered)
    }

    /// Remembers what was decided of a request.
    pub(super) fn keep(
        &mut self,
        inbound: &Inbound<'_>,
        shown: &Rc<Shown>,
        validity: Validity,
        allowed: (&Rc<Grant>, &Stream),
    ) {
        if inbound.path.len() > MAX_PATH {
            return;
        }
        let Some(key) = self.key(inbound) else { return };
        let (grant, stream) = allowed;
        let texts = [inbound.path.len().saturating_mul(3), shown.token.len(), grant.line.len().saturating_mul(2)];
        let weight = texts.into_iter().fold(OVERHEAD, usize::saturating_add);
        let remembered = Remembered {
            shown: Rc::clone(shown),
            authority: inbound.authority.into(),
            method: inbound.method.into(),
            path: inbound.path.into(),
            validity,
            grant: Rc::clone(grant),
            opened: Rc::clone(&stream.opened),
            basis: stream.basis.borrow().clone(),
        };
        self.requests.insert(key, weight, remembered);
    }

    fn key(&self, inbound: &Inbound<'_>) -> Option<u64> {
        let token = inbound.token.as_deref()?;
        let parts = (tail(token), inbound.token_kind, inbound.authority, inbound.method, inbound.path);
        Some(self.hasher.hash_one(parts))
    }
}

impl Remembered {
    fn is_of(&self, inbound: &Inbound<'_>) -> bool {
        *self.path == *inbound.path
            && *self.method == *inbound.method
            && *self.authority == *inbound.authority
            && self.shown.is(inbound.token_kind, inbound.token.as_deref().unwrap_or_default())
    }
}

impl Shown {
    pub(super) fn is(&self, kind: TokenKind, token: &str) -> bool {
        self.kind == kind && is_same(self.token.as_bytes(), token.as_bytes())
    }
}

impl Validity {
    fn covers(self, live: u64, now: Timestamp) -> bool {
        self.live == live && self.since <= now && now < self.until
    }
}

/// Whether two texts are the same, in the time that their length takes: eight bytes at once, because wasm's own comparison
/// goes byte by byte.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ((one, one_rest), (other, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let words = one.iter().zip(other).map(|(one, other)| u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other));
    let bytes = one_rest.iter().zip(other_rest).map(|(one, other)| u64::from(one ^ other));
    one.len() == other.len()
        && one_rest.len() == other_rest.len()
        && words.chain(bytes).fold(0, |differing, bits| differing | bits) == 0
}

/// The end of a token, for a hash of it.
pub(super) fn tail(token: &str) -> &[u8] {
    let bytes = token.as_bytes();
    bytes.last_chunk::<TAIL>().map_or(bytes, <[u8; TAIL]>::as_slice)
}
