//! Room in the live set: gateways take so many entries of a kind and no more.
//!
//! Where more sessions were revoked than that, the people with the most of them get one entry each that refuses all of
//! their older tokens. Nothing that was revoked counts again; those people ask for a token anew.

use std::collections::{HashMap, HashSet};

use kubegate_core::bundle::MAX_ENTRIES;
use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;

use crate::store::revocation::{self, Revocation, Subject};
use crate::store::{Store, StoreError};

/// How many revoked sessions are left where there were too many: fewer than gateways take, so that it is not done again
/// with the next.
const LEFT: usize = MAX_ENTRIES - MAX_ENTRIES / 8;

/// Makes room in the store, as far as that goes. Gives the number of people whose sessions were made one entry.
///
/// # Errors
/// When the store fails.
pub(super) async fn make(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    let mut tx = store.write().await?;
    let people = choose(&revocation::live(&mut tx, now).await?);
    for person in &people {
        revocation::collapse(&mut tx, person, 0, now).await?;
    }
    tx.commit().await?;
    Ok(people.len())
}

/// Whose sessions are to become one entry, so that no more are left than [`LEFT`]: those who have the most.
fn choose(revoked: &[Revocation]) -> Vec<PersonId> {
    let mut sessions: HashMap<&PersonId, usize> = HashMap::new();
    let mut listed: HashSet<&PersonId> = HashSet::new();
    let mut left: usize = 0;
    for entry in revoked {
        match &entry.subject {
            Subject::Session { person, .. } => {
                left = left.saturating_add(1);
                let of_person = sessions.entry(person).or_default();
                *of_person = of_person.saturating_add(1);
            }
            Subject::Person { person, .. } => {
                listed.insert(person);
            }
        }
    }
    let mut most: Vec<_> = sessions.into_iter().filter(|(person, _)| !person.as_str().is_empty()).collect();
    most.sort_unstable_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.as_str().cmp(b.as_str())));
    let mut chosen = Vec::new();
    for (person, of_person) in most {
        if left <= LEFT {
            break;
        }
        if listed.len() < MAX_ENTRIES || listed.contains(person) {
            listed.insert(person);
            left = left.saturating_sub(of_person);
            chosen.push(person.clone());
        }
    }
    chosen
}
