//! HTTP/2 by hand (RFC 9113, RFC 7541), since no library sends what must be refused. Header fields are literals that are
//! never indexed and not compressed, so that any frame can stand anywhere.

/// What a client sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;

/// A frame. Streams are numbered from the case's own first one, so that it can be sent on a used connection: 0 is the
/// connection, 1 the first stream, 2 the second.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    pub(super) fn new(kind: u8, flags: u8, stream: u32, payload: Vec<u8>) -> Self {
        Self { kind, flags, stream, payload }
    }

    /// As bytes, when the case's first stream is `first`.
    pub(super) fn write(&self, first: u32, out: &mut Vec<u8>) {
        let stream = if self.stream == 0 { 0 } else { first + 2 * (self.stream - 1) };
        out.extend_from_slice(&u32::try_from(self.payload.len()).unwrap().to_be_bytes()[1..]);
        out.extend_from_slice(&[self.kind, self.flags]);
        out.extend_from_slice(&stream.to_be_bytes());
        out.extend_from_slice(&self.payload);
    }
}

/// What opens a connection: no dynamic table for answers, and room for them.
pub(super) fn opening() -> Vec<u8> {
    let mut out = PREFACE.to_vec();
    let settings = [0, 1, 0, 0, 0, 0, 0, 4, 0x3f, 0xff, 0xff, 0xff].to_vec();
    Frame::new(SETTINGS, 0, 0, settings).write(1, &mut out);
    Frame::new(WINDOW_UPDATE, 0, 0, vec![0x3f, 0, 0, 0]).write(1, &mut out);
    out
}

/// All frames of a case on a connection of their own.
pub(super) fn connection(frames: &[Frame]) -> Vec<u8> {
    let mut out = opening();
    frames.iter().for_each(|frame| frame.write(1, &mut out));
    out
}

/// The same frames, where one is too large for a frame in several.
pub(super) fn fitting(frames: Vec<Frame>) -> Vec<Frame> {
    let mut out = Vec::new();
    for mut frame in frames {
        let mut pieces = frame.payload.chunks(16_384).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter();
        let (more, ends) = if frame.kind == DATA { (DATA, END_STREAM) } else { (CONTINUATION, END_HEADERS) };
        let last = frame.flags & ends;
        frame.payload = pieces.next().unwrap_or_default();
        let stream = frame.stream;
        let behind: Vec<Frame> = pieces.map(|piece| Frame::new(more, 0, stream, piece)).collect();
        if !behind.is_empty() {
            frame.flags &= !ends;
        }
        out.push(frame);
        let had_more = !behind.is_empty();
        out.extend(behind);
        if let Some(frame) = out.last_mut().filter(|_| had_more) {
            frame.flags |= last;
        }
    }
    out
}

/// A header block.
pub(super) fn block<'a>(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0x10);
        string(name, &mut out);
        string(value, &mut out);
    }
    out
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text.len();
    if rest < 127 {
        out.push(u8::try_from(rest).unwrap());
    } else {
        out.push(127);
        rest -= 127;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        out.push(u8::try_from(rest).unwrap());
    }
    out.extend_from_slice(text);
}

/// All whole frames in what was read.
pub(super) fn all(mut bytes: &[u8]) -> impl Iterator<Item = Frame> {
    std::iter::from_fn(move || {
        let (frame, length) = first(bytes)?;
        bytes = &bytes[length..];
        Some(frame)
    })
}

/// The first whole frame in `bytes`, and how long it is there.
pub(super) fn first(bytes: &[u8]) -> Option<(Frame, usize)> {
    let header = bytes.get(..9)?;
    let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
    let payload = bytes.get(9..9 + length)?.to_vec();
    let stream = u32::from_be_bytes([header[5] & 0x7f, header[6], header[7], header[8]]);
    Some((Frame::new(header[3], header[4], stream, payload), 9 + length))
}
