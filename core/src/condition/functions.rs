//! Functions that conditions have besides CEL's own.
//!
//! | function | meaning |
//! | --- | --- |
//! | `timestamp("2026-01-31T08:00:00Z")` | RFC 3339 as seconds since 1970 |
//! | `duration("1h30m")` | seconds |
//! | `t.getFullYear()`, `getMonth` (from 0), `getDate` (from 1), `getDayOfWeek` (0 is Sunday), `getHours`, `getMinutes` | CEL's own accessors, in UTC, or at an offset: `t.getHours("+02:00")` |
//! | `cidr("10.0.0.0/8").containsIP(source.address)` | Kubernetes' own CEL function |

#![expect(clippy::needless_pass_by_value, reason = "the crate hands arguments over by value")]

use std::net::IpAddr;

use cel::common::types::{CelBool, CelInt, CelString, INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};

use crate::time::{DAY, date, parse_duration, parse_offset, parse_rfc3339};

type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Returns<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Functions of one argument.
pub(super) const FUNCTIONS: [&str; 10] =
    ["size", "string", "int", "uint", "double", "type", "dyn", "timestamp", "duration", "cidr"];

/// Functions of one argument that are called on a value.
pub(super) const ON_VALUES: [&str; 4] = ["contains", "startsWith", "endsWith", "containsIP"];

/// Functions that are called on a time, without argument or with an offset.
pub(super) const ON_TIMES: [&str; 6] = ["getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes"];

/// Whether there is a function or operator of this name with so many arguments; `on_value`, besides the value that it is
/// called on.
pub(super) fn exists(name: &str, on_value: bool, arguments: usize) -> bool {
    use cel::common::ast::operators as op;
    const UNARY: [&str; 3] = [op::LOGICAL_NOT, op::NEGATE, op::NOT_STRICTLY_FALSE];
    const BINARY: [&str; 15] = [
        op::LOGICAL_AND,
        op::LOGICAL_OR,
        op::ADD,
        op::SUBSTRACT,
        op::MULTIPLY,
        op::DIVIDE,
        op::MODULO,
        op::EQUALS,
        op::NOT_EQUALS,
        op::LESS,
        op::LESS_EQUALS,
        op::GREATER,
        op::GREATER_EQUALS,
        op::IN,
        op::INDEX,
    ];
    match (on_value, arguments) {
        (false, 1) => UNARY.contains(&name) || FUNCTIONS.contains(&name),
        (false, 2) => BINARY.contains(&name),
        (false, 3) => name == op::CONDITIONAL,
        (true, 0) => name == "size" || ON_TIMES.contains(&name),
        (true, 1) => ON_VALUES.contains(&name) || ON_TIMES.contains(&name),
        _ => false,
    }
}

pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    let (int, string) = (|| INT_TYPE.to_owned(), || STRING_TYPE.to_owned());
    environment.add_overload("timestamp", "timestamp_string", vec![string()], timestamp)?;
    environment.add_overload("duration", "duration_string", vec![string()], duration)?;
    environment.add_overload("cidr", "cidr_string", vec![string()], cidr)?;
    environment.add_member_overload("containsIP", "string_contains_ip", string(), vec![string()], contains_ip)?;
    let accessors: [(&str, cel::common::functions::Function); 6] = [
        ("getFullYear", |arguments| field("getFullYear", &arguments, |time| date(time).0)),
        ("getMonth", |arguments| field("getMonth", &arguments, |time| date(time).1 - 1)),
        ("getDate", |arguments| field("getDate", &arguments, |time| date(time).2)),
        ("getDayOfWeek", |arguments| {
            field("getDayOfWeek", &arguments, |time| (time.div_euclid(DAY) + 4).rem_euclid(7))
        }),
        ("getHours", |arguments| field("getHours", &arguments, |time| time.rem_euclid(DAY) / 3600)),
        ("getMinutes", |arguments| field("getMinutes", &arguments, |time| time.rem_euclid(3600) / 60)),
    ];
    for (name, accessor) in accessors {
        environment.add_member_overload(name, &format!("{name}_utc"), int(), Vec::new(), accessor)?;
        environment.add_member_overload(name, &format!("{name}_offset"), int(), vec![string()], accessor)?;
    }
    Ok(())
}

fn timestamp<'b, 'v>(arguments: Arguments<'b, 'v>) -> Returns<'b, 'v> {
    let text = text(&arguments, 0);
    let seconds = parse_rfc3339(text).and_then(|time| i64::try_from(time.seconds()).ok());
    let seconds = seconds.ok_or_else(|| failure("timestamp", text, "is not a time like 2026-01-31T08:00:00Z"))?;
    Ok(CowVal::owned(CelInt::from(seconds)))
}

fn duration<'b, 'v>(arguments: Arguments<'b, 'v>) -> Returns<'b, 'v> {
    let text = text(&arguments, 0);
    let seconds = parse_duration(text).and_then(|duration| i64::try_from(duration.as_secs()).ok());
    let seconds = seconds.ok_or_else(|| failure("duration", text, "is not a duration like 90s, 10m or 1h30m"))?;
    Ok(CowVal::owned(CelInt::from(seconds)))
}

/// A network is its text, once it is known to be one.
fn cidr<'b, 'v>(arguments: Arguments<'b, 'v>) -> Returns<'b, 'v> {
    let text = text(&arguments, 0);
    parse_cidr(text).ok_or_else(|| failure("cidr", text, "is not a network like 10.0.0.0/8"))?;
    Ok(CowVal::owned(CelString::from(text.to_owned())))
}

fn contains_ip<'b, 'v>(arguments: Arguments<'b, 'v>) -> Returns<'b, 'v> {
    let (network, address) = (text(&arguments, 0), text(&arguments, 1));
    let (base, bits) = parse_cidr(network).ok_or_else(|| failure("containsIP", network, "is not a network"))?;
    let address = address.parse().map_err(|_| failure("containsIP", address, "is not an IP address"))?;
    Ok(CowVal::owned(CelBool::from(within(base, bits, address))))
}

/// A part of a date or of a time of day, in UTC or at the offset in the second argument.
fn field<'b, 'v>(name: &str, arguments: &[CowVal<'b, 'v>], of: fn(i64) -> i64) -> Returns<'b, 'v> {
    let time = arguments.first().and_then(|time| time.downcast_ref::<CelInt>()).map_or(0, |time| *time.inner());
    let offset = match arguments.get(1) {
        None => 0,
        Some(_) => {
            let zone = text(arguments, 1);
            parse_offset(zone).ok_or_else(|| failure(name, zone, "is not an offset like +02:00"))?
        }
    };
    // Beyond what a calendar has, nothing is computed, so nothing overflows.
    const LIMIT: i64 = 253_402_300_800;
    if !(-LIMIT..LIMIT).contains(&time) {
        return Err(failure(name, &time.to_string(), "is no time before the year 10000"));
    }
    Ok(CowVal::owned(CelInt::from(of(time.saturating_add(offset)))))
}

fn text<'c>(arguments: &'c [CowVal<'_, '_>], position: usize) -> &'c str {
    arguments.get(position).and_then(|value| value.downcast_ref::<CelString>()).map_or("", |text| text.inner())
}

fn failure(function: &str, value: &str, problem: &str) -> ExecutionError {
    ExecutionError::function_error(function, format!("{value:?} {problem}"))
}

fn parse_cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (base, bits) = text.split_once('/')?;
    let (base, bits): (IpAddr, u32) = (base.parse().ok()?, bits.parse().ok()?);
    let (base, bits) = match base.to_canonical() {
        // An IPv4 address in IPv6 form is the IPv4 address, as it is of requests.
        canonical if canonical != base => (canonical, bits.checked_sub(96)?),
        _ => (base, bits),
    };
    (bits <= if base.is_ipv4() { 32 } else { 128 }).then_some((base, bits))
}

fn within(base: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (base, address.to_canonical()) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let shift = 32_u32.saturating_sub(bits);
            base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let shift = 128_u32.saturating_sub(bits);
            base.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}
