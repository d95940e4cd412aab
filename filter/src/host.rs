//! What the filter asks of Envoy, and the only place that asks.
//!
//! proxy-wasm's own wrappers panic on header names that are not UTF-8 and on unexpected answers; here the header map
//! is read as bytes and every failure is a value.

#[cfg(target_arch = "wasm32")]
mod envoy;

use std::time::SystemTime;

#[cfg(target_arch = "wasm32")]
pub use envoy::Envoy;

use crate::metrics::Metric;

/// Envoy did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Envoy refused the host call {0}")]
pub struct HostError(pub &'static str);

/// A value in the data that the VMs of one Envoy share, with the mark that a conditional write needs.
pub type Shared = Option<(Vec<u8>, Option<u32>)>;

/// Envoy, as the filter needs it.
pub trait Host {
    /// The time of day.
    fn now(&self) -> SystemTime;

    /// Writes a log line about something that an operator must mend.
    fn log_error(&self, message: &str);

    /// Counts, or sets a gauge.
    fn record(&self, metric: Metric, value: u64);

    /// All request headers, in proxy-wasm's serialized form (see [`headers`]).
    ///
    /// # Errors
    /// When Envoy does not give them.
    fn request_headers(&self) -> Result<Vec<u8>, HostError>;

    /// The client's address with its port, as Envoy sees it (the attribute `source.address`).
    fn source_address(&self) -> Option<String>;

    /// Takes a request header away, all its values.
    ///
    /// # Errors
    /// When Envoy refuses.
    fn remove_request_header(&self, name: &str) -> Result<(), HostError>;

    /// Puts a request header in place of all of that name.
    ///
    /// # Errors
    /// When Envoy refuses.
    fn replace_request_header(&self, name: &str, value: &str) -> Result<(), HostError>;

    /// Adds a request header beside others of that name.
    ///
    /// # Errors
    /// When Envoy refuses.
    fn add_request_header(&self, name: &str, value: &str) -> Result<(), HostError>;

    /// Sets the filter state `wasm.<name>` of this stream.
    ///
    /// # Errors
    /// When Envoy refuses.
    fn set_state(&self, name: &str, value: &str) -> Result<(), HostError>;

    /// Answers the request here.
    ///
    /// # Errors
    /// When Envoy refuses.
    fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) -> Result<(), HostError>;

    /// Resets the stream of a context in both directions; the access log says why.
    fn end_stream(&self, context: u32, reason: &str);

    /// The response's status.
    fn response_status(&self) -> Option<u16>;

    /// Reads shared data.
    fn shared(&self, key: &str) -> Shared;

    /// Writes shared data; with `mark`, only when nobody has written since it was read.
    ///
    /// # Errors
    /// When somebody has, or Envoy refuses.
    fn set_shared(&self, key: &str, value: &[u8], mark: Option<u32>) -> Result<(), HostError>;

    /// Sends a GET to an Envoy cluster; the answer comes to the root context.
    ///
    /// # Errors
    /// When Envoy refuses, for one because there is no such cluster.
    fn get(&self, cluster: &str, headers: &[(&str, &str)], timeout: std::time::Duration) -> Result<(), HostError>;
}

/// The headers in proxy-wasm's serialized form: a count, then the lengths of each name and value, then the names and
/// values, each ended by a zero byte; numbers are 32 bits, little-endian. A block that is cut short yields what is whole.
pub fn headers(block: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let number = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = block.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let count = number(0).unwrap_or(0).min(block.len() / 8);
    let mut at = count.saturating_mul(8).saturating_add(4);
    (0..count).map_while(move |index| {
        let lengths = index.checked_mul(8)?.checked_add(4)?;
        let mut text = |length: usize| {
            let end = at.checked_add(length)?;
            let text = block.get(at..end)?;
            at = end.checked_add(1)?;
            Some(text)
        };
        let name = text(number(lengths)?)?;
        let value = text(number(lengths.checked_add(4)?)?)?;
        Some((name, value))
    })
}

#[cfg(test)]
pub(crate) mod fake;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_blocks() {
        let block = fake::block(&[(":path", "/"), ("x", ""), ("y", "z")]);
        let found: Vec<_> = headers(&block).collect();
        let expected = [(":path", "/"), ("x", ""), ("y", "z")].map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        assert_eq!(found, expected);
    }

    #[test]
    fn broken_header_blocks_do_not_panic() {
        let block = fake::block(&[("name", "value"), ("other", "value")]);
        for end in 0..block.len() {
            let found = headers(&block[..end]).count();
            assert!(found <= 2, "{found} at {end}");
        }
        assert_eq!(headers(&[0xff; 64]).count(), 0);
        assert_eq!(headers(&[]).count(), 0);
    }
}
