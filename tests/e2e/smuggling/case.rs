//! A generated request, and its form on the wire.

use super::attacker::Attacker;
use super::frames::{self, Frame};
use super::mutate;
use super::wire::Protocol;
use crate::request_info::generate::Dice;

/// How many changes a request gets at most; most get few.
const CHANGES: usize = 4;

/// A request to send.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) number: u64,
    pub(super) protocol: Protocol,
    /// Where requests end is in doubt: nothing else may come on its connection.
    pub(super) is_alone: bool,
    /// Its HTTP/1.1, or nothing.
    pub(super) text: Vec<u8>,
    /// Its HTTP/2, or nothing.
    pub(super) frames: Vec<Frame>,
}

/// A header: what stands between name and value is HTTP/1.1's alone.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: Vec<u8>,
    pub(super) between: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// A request that is not yet bytes.
pub(super) struct Draft {
    pub(super) method: Vec<u8>,
    pub(super) target: Vec<u8>,
    pub(super) version: &'static [u8],
    pub(super) host: Vec<u8>,
    pub(super) fields: Vec<Field>,
    pub(super) line_end: &'static [u8],
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<Field>,
    pub(super) behind: Vec<u8>,
    pub(super) is_alone: bool,
    /// Frames put in instead of the plain ones, by what [`mutate`] thinks of.
    pub(super) reframe: Vec<fn(&mut Vec<Frame>, &mut Dice)>,
}

impl Field {
    pub(super) fn new(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        Self { name: name.as_ref().to_vec(), between: b": ".to_vec(), value: value.as_ref().to_vec() }
    }
}

impl Case {
    /// The case of a number, the same whenever it is asked for.
    pub(super) fn new(seed: u64, number: u64, attacker: &Attacker) -> Self {
        let mut dice = Dice::new(mixed(seed, number));
        let protocol = if dice.one_in(2) { Protocol::Http1 } else { Protocol::Http2 };
        let mut draft = Draft::new(mark(protocol, number), attacker, &mut dice);
        for _ in 0..1 + dice.below(CHANGES).min(dice.below(CHANGES)) {
            mutate::change(&mut draft, &mut dice);
        }
        let (text, frames) = match protocol {
            Protocol::Http1 => (draft.text(), Vec::new()),
            Protocol::Http2 => (Vec::new(), draft.frames(&mut dice)),
        };
        Self { number, protocol, is_alone: draft.is_alone, text, frames }
    }

    /// All that goes over a connection of its own.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self.protocol {
            Protocol::Http1 => self.text.clone(),
            Protocol::Http2 => frames::connection(&self.frames),
        }
    }
}

/// By which an event names its case, unless that was changed.
pub(super) fn mark(protocol: Protocol, number: u64) -> String {
    format!("torture-{protocol:?}-{number}.").to_ascii_lowercase()
}

impl Draft {
    /// What is allowed: everything else is made of it.
    fn new(mark: String, attacker: &Attacker, dice: &mut Dice) -> Self {
        let path = dice.pick(&[
            "/api/v1/namespaces/team-a/pods/nobody",
            "/api/v1/namespaces/team-a/pods?limit=1",
            "/apis/apps/v1/namespaces/team-a/deployments/nobody",
            "/api/v1/namespaces/team-a/configmaps/nobody?x=y",
            "/version",
        ]);
        let mut fields = vec![Field::new("User-Agent", mark), Field::new("Accept", "application/json")];
        let bearer = format!("Bearer {}", attacker.token);
        if !dice.one_in(12) {
            fields.push(Field::new("Authorization", bearer));
        }
        Self {
            method: b"GET".to_vec(),
            target: path.as_bytes().to_vec(),
            version: b"HTTP/1.1",
            host: b"127.0.0.1".to_vec(),
            fields,
            line_end: b"\r\n",
            body: Vec::new(),
            trailers: Vec::new(),
            behind: Vec::new(),
            is_alone: false,
            reframe: Vec::new(),
        }
    }

    fn text(&self) -> Vec<u8> {
        let end = self.line_end;
        let mut out = [&self.method, b" ".as_slice(), &self.target, b" ", self.version, end].concat();
        out.extend([b"Host: ", self.host.as_slice(), end].concat());
        for field in &self.fields {
            out.extend([&field.name, field.between.as_slice(), &field.value, end].concat());
        }
        out.extend_from_slice(end);
        out.extend_from_slice(&self.body);
        for field in &self.trailers {
            out.extend([&field.name, field.between.as_slice(), &field.value, end].concat());
        }
        if !self.trailers.is_empty() {
            out.extend_from_slice(end);
        }
        out.extend_from_slice(&self.behind);
        out
    }

    fn frames(&self, dice: &mut Dice) -> Vec<Frame> {
        let pseudo: [(&[u8], &[u8]); 4] =
            [(b":method", &self.method), (b":scheme", b"https"), (b":authority", &self.host), (b":path", &self.target)];
        let fields: Vec<(Vec<u8>, &[u8])> = lower(&self.fields);
        let block =
            frames::block(pseudo.into_iter().chain(fields.iter().map(|(name, value)| (name.as_slice(), *value))));
        let mut out = vec![Frame::new(frames::HEADERS, frames::END_HEADERS, 1, block)];
        let data = [self.body.as_slice(), &self.behind].concat();
        if !data.is_empty() {
            out.push(Frame::new(frames::DATA, 0, 1, data));
        }
        if !self.trailers.is_empty() {
            let trailers = lower(&self.trailers);
            let block = frames::block(trailers.iter().map(|(name, value)| (name.as_slice(), *value)));
            out.push(Frame::new(frames::HEADERS, frames::END_HEADERS, 1, block));
        }
        if let Some(last) = out.last_mut() {
            last.flags |= frames::END_STREAM;
        }
        for reframe in &self.reframe {
            reframe(&mut out, dice);
        }
        frames::fitting(out)
    }
}

/// HTTP/2 knows names in lower case; a name in another one is left to a change of its own.
fn lower(fields: &[Field]) -> Vec<(Vec<u8>, &[u8])> {
    fields.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.as_slice())).collect()
}

/// A seed for each case (SplitMix64), never 0.
fn mixed(seed: u64, number: u64) -> u64 {
    let mut mixed = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).max(1)
}
