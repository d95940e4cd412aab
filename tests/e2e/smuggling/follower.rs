//! A log of JSON lines, read on from where it was.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

pub(super) struct Follower {
    log: File,
    /// The last line, which may be half written.
    half: Vec<u8>,
}

impl Follower {
    /// From the log's present end on.
    pub(super) fn new(log: &Path) -> Self {
        let mut log = File::open(log).unwrap();
        log.seek(SeekFrom::End(0)).unwrap();
        Self { log, half: Vec::new() }
    }

    /// What is new; lines that are no JSON are passed over.
    pub(super) fn read(&mut self) -> Vec<Value> {
        self.log.read_to_end(&mut self.half).unwrap();
        let whole = self.half.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = self.half.split_off(whole);
        let lines = std::mem::replace(&mut self.half, rest);
        lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}
