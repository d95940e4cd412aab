//! A bounded cache without a clock: two generations, of which the older is forgotten as a whole.
//!
//! What is used stays, because a hit in the old generation moves the entry to the young one. Look-up and insertion are
//! constant time; what is held never weighs more than the capacity and one entry.

use std::collections::HashMap;
use std::hash::Hash;

/// The cache. The caller says what each entry weighs.
pub struct Cache<K, V> {
    young: HashMap<K, (usize, V)>,
    old: HashMap<K, (usize, V)>,
    young_weight: usize,
    generation_weight: usize,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// An empty cache for entries that weigh `capacity` together.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_weight: 0, generation_weight: capacity / 2 }
    }

    /// The entry of `key`.
    pub fn get(&mut self, key: &K) -> Option<&mut V> {
        if !self.young.contains_key(key) {
            let (key, (weight, value)) = self.old.remove_entry(key)?;
            self.insert(key, weight, value);
        }
        self.young.get_mut(key).map(|(_, value)| value)
    }

    /// How many entries are held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Puts an entry in the place of the one of that key, if there is one.
    pub fn insert(&mut self, key: K, weight: usize, value: V) {
        if self.young_weight.saturating_add(weight) > self.generation_weight && !self.young.is_empty() {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        self.young_weight = self.young_weight.saturating_add(weight);
        if let Some((replaced, _)) = self.young.insert(key, (weight, value)) {
            self.young_weight = self.young_weight.saturating_sub(replaced);
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn weight(cache: &Cache<u32, u32>) -> usize {
        cache.young.values().chain(cache.old.values()).map(|(weight, _)| weight).sum()
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_used() {
        let mut cache: Cache<u32, u32> = Cache::new(1000);
        for number in 0..10_000 {
            cache.insert(number, 10, number);
            assert_eq!(cache.get(&number), Some(&mut number.clone()));
            assert_eq!(cache.get(&0), Some(&mut 0), "it is used all the time");
            assert!(weight(&cache) <= 1000, "{}", weight(&cache));
        }
        assert_eq!(cache.get(&1), None);
    }

    #[test]
    fn one_heavy_entry_is_held_alone() {
        let mut cache: Cache<u32, u32> = Cache::new(10);
        for number in 0..100 {
            cache.insert(number, 50, number);
            assert_eq!(cache.get(&number), Some(&mut number.clone()));
            assert!(weight(&cache) <= 100);
        }
    }

    #[test]
    fn what_is_replaced_weighs_nothing() {
        let mut cache: Cache<u32, u32> = Cache::new(100);
        cache.insert(0, 10, 0);
        for number in 0..100 {
            cache.insert(1, 10, number);
        }
        assert_eq!(cache.get(&0), Some(&mut 0));
        assert_eq!(weight(&cache), 20);
    }
}
