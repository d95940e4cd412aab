//! Many watches at once, cut by the gateway or left by their client.

use std::io::{ErrorKind, Read as _, Write as _};
use std::thread::sleep;
use std::time::Duration;

use kubegate_core::bundle::{LiveEntries, RevokedSession};
use kubegate_tests::issuer::now;
use kubegate_tests::raw::{self, Client, Connection};
use kubegate_tests::world::CLUSTER_HOST;

use crate::stage::Stage;

const PATH: &str = "/api/v1/namespaces/workshop/configmaps?watch=1";

/// Opens watches, each over a connection of its own; all have begun.
pub(super) fn open(client: &Client, token: &str, count: usize) -> Vec<Connection> {
    open_at(Duration::ZERO, client, token, count)
}

/// The same with a pause before each: two handshakes and the start of a watch keep the whole machine busy, not Envoy alone.
pub(super) fn open_at(pause: Duration, client: &Client, token: &str, count: usize) -> Vec<Connection> {
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: {CLUSTER_HOST}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let send = |_| {
        sleep(pause);
        let mut connection = client.connect().unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        connection
    };
    let mut open: Vec<_> = (0..count).map(send).collect();
    for stream in &mut open {
        let answer = raw::read_head(stream).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    open
}

/// Ends the session that they were opened with, by the changes numbered so.
pub(super) fn revoke(stage: &Stage<'_>, sid: &str, number: u64) {
    let session = RevokedSession { sid: sid.into(), until: now().after(Duration::from_secs(3600)) };
    let entries = LiveEntries { sessions: vec![session], ..LiveEntries::default() };
    stage.control_plane.reply(stage.issuer.changed(&stage.first, number, entries).unwrap().reply());
}

/// Until each has come to its end.
pub(super) fn until_ended(open: &mut [Connection]) {
    for stream in open {
        let mut rest = Vec::new();
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert!(!is_silence(&error), "a stream of the revoked session goes on");
        }
    }
}

/// It has not come to its end.
pub(super) fn assert_open(stream: &mut Connection) {
    stream.sock.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let silent = stream.read_to_end(&mut Vec::new()).expect_err("somebody else's stream goes on");
    assert!(is_silence(&silent), "{silent}");
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
