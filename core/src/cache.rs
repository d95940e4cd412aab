//! A bounded cache without a clock: two generations, of which the older is forgotten as a whole.
//!
//! What is used stays, because a hit in the old generation moves the entry to the young one. Look-up and insertion are
//! constant time; what is held never weighs more than the capacity and one entry.

use std::borrow::Borrow;
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

    /// The entry of `key`; when there is none, what `make` makes of it, which is then held, with what that weighs. `None` is
    /// never returned in effect; it saves a panic.
    ///
    /// # Errors
    /// What `make` says.
    pub fn get_or_insert<Q, E>(
        &mut self,
        key: &Q,
        make: impl FnOnce() -> Result<(usize, V), E>,
    ) -> Result<Option<&mut V>, E>
    where
        K: Borrow<Q> + for<'q> From<&'q Q>,
        Q: Hash + Eq + ?Sized,
    {
        if !self.young.contains_key(key) {
            let (key, (weight, value)) = match self.old.remove_entry(key) {
                Some(entry) => entry,
                None => (K::from(key), make()?),
            };
            self.insert(key, weight, value);
        }
        Ok(self.young.get_mut(key).map(|(_, value)| value))
    }

    fn insert(&mut self, key: K, weight: usize, value: V) {
        if self.young_weight.saturating_add(weight) > self.generation_weight && !self.young.is_empty() {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        self.young_weight = self.young_weight.saturating_add(weight);
        self.young.insert(key, (weight, value));
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn weight(cache: &Cache<Box<str>, u32>) -> usize {
        cache.young.values().chain(cache.old.values()).map(|(weight, _)| weight).sum()
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_used() {
        let mut cache: Cache<Box<str>, u32> = Cache::new(1000);
        for number in 0..10_000 {
            let made: Result<_, ()> = cache.get_or_insert(number.to_string().as_str(), || Ok((10, number)));
            assert_eq!(made, Ok(Some(&mut number.clone())));
            let used: Result<_, &str> = cache.get_or_insert("0", || Err("forgotten"));
            assert_eq!(used, Ok(Some(&mut 0)));
            assert!(weight(&cache) <= 1000, "{}", weight(&cache));
        }
        assert_eq!(cache.get_or_insert("1", || Err("forgotten")), Err("forgotten"));
    }

    #[test]
    fn one_heavy_entry_is_held_alone() {
        let mut cache: Cache<Box<str>, u32> = Cache::new(10);
        for number in 0..100 {
            let made: Result<_, ()> = cache.get_or_insert(number.to_string().as_str(), || Ok((50, number)));
            assert_eq!(made, Ok(Some(&mut number.clone())));
            assert!(weight(&cache) <= 100);
        }
    }
}
