//! Envoy behind the proxy-wasm ABI 0.2.1
//! (<https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1>).
#![expect(unsafe_code, reason = "the ABI is C functions that take pointers")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{LogLevel, MapType, MetricType};

use super::{Host, HostError, Shared};
use crate::metrics::{Kind, Metric};
use crate::request::ENDED;

/// The status `Ok` of the ABI.
const OK: u32 = 0;

/// The map type `HttpRequestHeaders` of the ABI.
const REQUEST_HEADERS: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, return_data: *mut *mut u8, return_size: *mut usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
}

thread_local! {
    /// The ids under which Envoy knows the metrics, in the order of [`Metric`].
    static METRICS: RefCell<Vec<Option<u32>>> = const { RefCell::new(Vec::new()) };

    /// What was counted since Envoy was told last: a host call less for each request.
    static COUNTED: RefCell<BTreeMap<Metric, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// The Envoy that this VM runs in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Envoy;

impl Envoy {
    /// Tells Envoy what was counted.
    pub fn flush_counters(&self) {
        for (metric, value) in COUNTED.take() {
            if let Some(id) = id_of(metric) {
                let _ = hostcalls::increment_metric(id, i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }
}

impl Host for Envoy {
    fn now(&self) -> SystemTime {
        // Without a clock every token has expired: fail closed.
        hostcalls::get_current_time().unwrap_or(UNIX_EPOCH + Duration::from_secs(u32::MAX.into()))
    }

    fn log_error(&self, message: &str) {
        let _ = hostcalls::log(LogLevel::Error, message);
    }

    fn record(&self, metric: Metric, value: u64) {
        if metric.kind() == Kind::Gauge {
            if let Some(id) = id_of(metric) {
                let _ = hostcalls::record_metric(id, value);
            }
            return;
        }
        COUNTED.with_borrow_mut(|counted| {
            let count = counted.entry(metric).or_default();
            *count = count.saturating_add(value);
        });
    }

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        let mut data = std::ptr::null_mut();
        let mut size = 0;
        // SAFETY: both are valid places for the host to write to.
        let status = unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, &raw mut data, &raw mut size) };
        if status != OK || data.is_null() {
            return Err(HostError("proxy_get_header_map_pairs"));
        }
        // SAFETY: the host allocated exactly `size` bytes by `proxy_on_memory_allocate`, which boxes a slice of that
        // size, and hands them over.
        Ok(unsafe { Vec::from_raw_parts(data, size, size) })
    }

    fn source_address(&self) -> Option<String> {
        String::from_utf8(hostcalls::get_property(vec!["source", "address"]).ok()??).ok()
    }

    fn remove_request_header(&self, name: &str) -> Result<(), HostError> {
        // SAFETY: the host only reads, and only within the given sizes.
        let status = unsafe { proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len()) };
        done(status, "proxy_remove_header_map_value")
    }

    fn replace_request_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        // SAFETY: as above.
        let status = unsafe {
            proxy_replace_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len())
        };
        done(status, "proxy_replace_header_map_value")
    }

    fn add_request_header(&self, name: &str, value: &str) -> Result<(), HostError> {
        // SAFETY: as above.
        let status = unsafe {
            proxy_add_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value.as_ptr(), value.len())
        };
        done(status, "proxy_add_header_map_value")
    }

    fn set_state(&self, name: &str, value: &str) -> Result<(), HostError> {
        // SAFETY: as above. A path of one element is the element itself.
        let status = unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
        done(status, "proxy_set_property")
    }

    fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) -> Result<(), HostError> {
        hostcalls::send_http_response(status.into(), headers.to_vec(), Some(body.as_bytes()))
            .map_err(|_| HostError("proxy_send_local_response"))
    }

    fn end_stream(&self, context: u32, reason: &str) {
        if hostcalls::set_effective_context(context).is_err() {
            return;
        }
        let _ = self.set_state(ENDED, reason);
        // One reset ends both directions, and with them the context: nothing may be asked of it after that.
        let _ = hostcalls::reset_http_request();
    }

    fn response_status(&self) -> Option<u16> {
        let value = hostcalls::get_map_value_bytes(MapType::HttpResponseHeaders, ":status").ok()??;
        str::from_utf8(&value).ok()?.parse().ok()
    }

    fn shared(&self, key: &str) -> Shared {
        let (value, mark) = hostcalls::get_shared_data(key).ok()?;
        value.map(|value| (value, mark))
    }

    fn set_shared(&self, key: &str, value: &[u8], mark: Option<u32>) -> Result<(), HostError> {
        hostcalls::set_shared_data(key, Some(value), mark).map_err(|_| HostError("proxy_set_shared_data"))
    }

    fn get(&self, cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Result<(), HostError> {
        hostcalls::dispatch_http_call(cluster, headers.to_vec(), None, Vec::new(), timeout)
            .map(|_| ())
            .map_err(|_| HostError("proxy_http_call"))
    }
}

fn done(status: u32, call: &'static str) -> Result<(), HostError> {
    if status == OK { Ok(()) } else { Err(HostError(call)) }
}

fn id_of(metric: Metric) -> Option<u32> {
    METRICS.with_borrow_mut(|ids| known_or_defined(ids, metric))
}

fn known_or_defined(ids: &mut Vec<Option<u32>>, metric: Metric) -> Option<u32> {
    let position = metric as usize;
    if ids.len() <= position {
        ids.resize(position.saturating_add(1), None);
    }
    let slot = ids.get_mut(position)?;
    if slot.is_none() {
        let kind = match metric.kind() {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        *slot = hostcalls::define_metric(kind, metric.name()).ok();
    }
    *slot
}
