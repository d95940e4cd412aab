//! A bounded cache without a clock: two generations, of which the older is forgotten as a whole.
//!
//! What is used stays, because a hit in the old generation moves the entry to the young one. Look-up and insertion are
//! constant time; at most `capacity` entries are held.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// The cache.
pub struct Cache<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    generation: usize,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// An empty cache for at most `capacity` entries (at least two).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation: (capacity / 2).max(1) }
    }

    /// The entry of `key`.
    pub fn get<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if self.old.contains_key(key)
            && let Some((key, value)) = self.old.remove_entry(key)
        {
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    /// Puts an entry in, in place of an older one of the same key.
    pub fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    /// Forgets an entry.
    pub fn remove<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// How many entries are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len().saturating_add(self.old.len())
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn it_stays_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::new(100);
        cache.insert(0, "used");
        for key in 1..10_000 {
            cache.insert(key, "other");
            assert!(cache.get(&0).is_some(), "forgotten at {key}");
            assert!(cache.len() <= 100, "{}", cache.len());
        }
        assert!(cache.get(&1).is_none());
    }

    #[test]
    fn removal_and_replacement() {
        let mut cache = Cache::new(2);
        cache.insert("a", 1);
        cache.insert("b", 2);
        cache.insert("a", 3);
        assert_eq!(cache.get("a"), Some(&mut 3));
        cache.remove("a");
        assert_eq!(cache.get("a"), None);
    }
}
