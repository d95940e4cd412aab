//! Somebody else's filter, which means no good.

use std::fmt::Write as _;

use kubegate_tests::template;

/// What it may do to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Adds a header.
    Add(&'static str, &'static str),
    /// Replaces a header, `:path` for one.
    Replace(&'static str, &'static str),
    /// Sets a property: filter state under the name `wasm.<property>`, as ours does.
    State(&'static str, &'static str),
    /// Traps.
    Trap,
}

/// The letter by which a request asks for the deed of that number.
pub(super) fn letter(deed: usize) -> char {
    char::from(b'a' + u8::try_from(deed).unwrap())
}

/// The filter that can do all of these deeds, as a module.
pub(super) fn filter(deeds: &[&[Act]]) -> Vec<u8> {
    let (mut data, mut code, mut place) = (String::new(), String::new(), 1024);
    let mut text = |text: &str| {
        let bytes = text.bytes().fold(String::new(), |mut out, byte| {
            write!(out, "\\{byte:02x}").unwrap();
            out
        });
        write!(data, "(data (i32.const {place}) \"{bytes}\")").unwrap();
        let given = format!("(i32.const {place}) (i32.const {})", text.len());
        place += text.len();
        given
    };
    for (number, deed) in deeds.iter().enumerate() {
        write!(code, "(if (i32.eq (local.get $deed) (i32.const {})) (then ", u32::from(letter(number))).unwrap();
        for act in *deed {
            match act {
                Act::Add(name, value) => {
                    write!(code, "(drop (call $add (i32.const 0) {} {}))", text(name), text(value)).unwrap();
                }
                Act::Replace(name, value) => {
                    write!(code, "(drop (call $replace (i32.const 0) {} {}))", text(name), text(value)).unwrap();
                }
                Act::State(name, value) => {
                    write!(code, "(drop (call $set {} {}))", text(name), text(value)).unwrap();
                }
                Act::Trap => code.push_str("unreachable"),
            }
        }
        code.push_str("))");
    }
    let source = template::render(include_str!("hostile.wat"), &[("DATA", &data), ("DEEDS", &code)]).unwrap();
    wat::parse_str(source).expect("WebAssembly text")
}
