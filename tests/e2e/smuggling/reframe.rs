//! Changes of HTTP/2's frames.
#![expect(clippy::ptr_arg, reason = "all of them have one type")]

use super::asking::SECRETS;
use super::case::Draft;
use super::frames::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PADDED, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};
use crate::request_info::generate::Dice;

const CHANGES: [fn(&mut Vec<Frame>, &mut Dice); 12] =
    [split, split, padded, priority, stray, twice, reset, beside, settings, more_fields, odd_fields, odd_stream];

/// One of them, when the request is sent over HTTP/2.
pub(super) fn any(draft: &mut Draft, dice: &mut Dice) {
    draft.reframe.push(dice.pick(&CHANGES));
    draft.is_alone = true;
}

/// A header block over several frames.
fn split(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let Some(head) = frames.first_mut().filter(|head| head.kind == HEADERS) else { return };
    head.flags &= !END_HEADERS;
    let mut rest = head.payload.split_off(dice.below(head.payload.len() + 1));
    let mut at = 1;
    while dice.one_in(2) && !rest.is_empty() {
        let behind = rest.split_off(dice.below(rest.len() + 1));
        frames.insert(at, Frame::new(CONTINUATION, 0, 1, std::mem::replace(&mut rest, behind)));
        at += 1;
    }
    frames.insert(at, Frame::new(CONTINUATION, END_HEADERS, 1, rest));
}

fn padded(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let length = dice.pick(&[0_u8, 1, 100, 255]);
    let true_length = if dice.one_in(3) { dice.below(256) } else { usize::from(length) };
    let at = dice.below(frames.len());
    let frame = &mut frames[at];
    frame.flags |= PADDED;
    frame.payload.insert(0, length);
    frame.payload.extend(vec![b'x'; true_length]);
}

fn priority(frames: &mut Vec<Frame>, dice: &mut Dice) {
    frames[0].flags |= PRIORITY;
    let bytes = dice.pick(&[[0, 0, 0, 0, 16], [0, 0, 0, 1, 0], [0x80, 0, 0, 3, 255]]);
    frames[0].payload.splice(0..0, bytes);
}

/// A continuation where none belongs.
fn stray(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let block = frames::block([(b"impersonate-user".as_slice(), b"admin".as_slice())]);
    let at = dice.below(frames.len() + 1);
    let stream = u32::try_from(dice.below(3)).unwrap();
    frames.insert(at, Frame::new(CONTINUATION, dice.pick(&[0, END_HEADERS]), stream, block));
    if dice.one_in(2) {
        frames[0].flags &= !END_HEADERS;
    }
}

/// The same stream opened again, or another with the same headers.
fn twice(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let mut again = frames[0].clone();
    again.stream = dice.pick(&[1, 2, 3]);
    frames.push(again);
}

fn reset(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let at = dice.below(frames.len() + 1);
    frames.insert(at, Frame::new(RST_STREAM, 0, dice.pick(&[0, 1, 2]), vec![0, 0, 0, 8]));
}

/// A second stream in between, which asks for what nobody may have.
fn beside(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let fields: [(&[u8], &[u8]); 5] = [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"127.0.0.1"),
        (b":path", SECRETS.as_bytes()),
        (b"impersonate-user", b"admin"),
    ];
    let at = dice.below(frames.len() + 1);
    frames.insert(at, Frame::new(HEADERS, END_HEADERS | END_STREAM, 2, frames::block(fields)));
}

fn settings(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let at = dice.below(frames.len() + 1);
    let frame = match dice.below(5) {
        0 => Frame::new(SETTINGS, 0, 0, vec![0, 8, 0, 0, 0, 1]),
        1 => Frame::new(SETTINGS, 0, 0, vec![0, 1, 0, 0, 0]),
        2 => Frame::new(WINDOW_UPDATE, 0, 1, vec![0, 0, 0, 0]),
        3 => Frame::new(GOAWAY, 0, 0, vec![0; 8]),
        _ => Frame::new(0xfa, 0xff, 1, b"unknown".to_vec()),
    };
    frames.insert(at, frame);
}

/// More fields behind the block: pseudo-headers late, twice or unknown, and names in the wrong case.
fn more_fields(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let field: (&[u8], &[u8]) = dice.pick(&[
        (b":path".as_slice(), SECRETS.as_bytes()),
        (b":authority", b"elsewhere.example.com"),
        (b":method", b"DELETE"),
        (b":status", b"200"),
        (b":protocol", b"websocket"),
        (b":impersonate-user", b"admin"),
        (b"Impersonate-User", b"admin"),
        (b"IMPERSONATE-GROUP", b"system:masters"),
        (b"connection", b"impersonate-user"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b"te", b"impersonate-user"),
        (b"", b"admin"),
        (b"host", b"elsewhere.example.com"),
        (b"impersonate-user\r\nx", b"admin"),
        (b"x", b"y\r\nimpersonate-user: admin"),
    ]);
    let block = frames::block([field]);
    if dice.one_in(3) {
        frames[0].payload.splice(0..0, block);
    } else {
        frames[0].payload.extend(block);
    }
}

/// Header blocks that are no good.
fn odd_fields(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let bytes = dice.pick(&[
        // An index into an empty table, a table of another size, a length without an end, Huffman code that is none.
        b"\xff\x7f".as_slice(),
        b"\x3f\xe1\x7f",
        b"\x20",
        b"\x10\xff\xff\xff\xff\xff\xff",
        b"\x10\x81\xff\x01a",
        b"\x40\x05x-abc\x01y\xbe",
        b"\x80",
        b"\x84\x84",
    ]);
    let at = if dice.one_in(2) { 0 } else { frames[0].payload.len() };
    frames[0].payload.splice(at..at, bytes.iter().copied());
}

fn odd_stream(frames: &mut Vec<Frame>, dice: &mut Dice) {
    let at = dice.below(frames.len());
    match dice.below(3) {
        0 => frames[at].stream = dice.pick(&[0, 2, 1000]),
        1 => frames[at].flags = dice.pick(&[0, 0xff, END_STREAM, END_HEADERS]),
        _ => frames.push(Frame::new(DATA, END_STREAM, 1, b"more".to_vec())),
    }
}
