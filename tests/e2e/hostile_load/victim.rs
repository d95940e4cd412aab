//! Somebody else, who works on at a person's pace.

use std::thread::sleep;
use std::time::{Duration, Instant};

use kubegate_tests::raw::{self, Client, Connection};
use kubegate_tests::world::CLUSTER_HOST;
use rustix::process::setpriority_process;

use crate::suite::TEAM;

/// Enough that no worker of Envoy is likely to have none of them.
const CONNECTIONS: usize = 8;

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(8);

/// The connections of somebody with a good token.
pub(super) struct Victim {
    connections: Vec<Connection>,
    request: Vec<u8>,
    next: usize,
}

impl Victim {
    pub(super) fn new(client: &Client, token: &str) -> Self {
        let connections = (0..CONNECTIONS).map(|_| client.connect().unwrap()).collect();
        let path = format!("/api/v1/namespaces/{TEAM}/pods/hello");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {CLUSTER_HOST}\r\nAuthorization: Bearer {token}\r\n\r\n");
        let mut victim = Self { connections, request: request.into_bytes(), next: 0 };
        // Connections, caches and the API server's side are warm.
        victim.many(4 * CONNECTIONS);
        victim
    }

    /// Asks for a pod of the real API server, and says how many milliseconds the answer took.
    pub(super) fn once(&mut self) -> f64 {
        sleep(PAUSE);
        self.next = (self.next + 1) % self.connections.len();
        let began = Instant::now();
        let answer = raw::ask(&mut self.connections[self.next], &self.request).unwrap();
        let took = began.elapsed();
        assert_eq!(answer.status, 200, "{answer:?}");
        took.as_secs_f64() * 1e3
    }

    pub(super) fn many(&mut self, times: usize) -> Vec<f64> {
        (0..times).map(|_| self.once()).collect()
    }

    /// As long as it lasts.
    pub(super) fn during(&mut self, mut lasts: impl FnMut() -> bool) -> Vec<f64> {
        let mut took = Vec::new();
        while lasts() {
            took.push(self.once());
        }
        took
    }
}

/// A real attacker has a machine of their own: this thread takes what processor time nobody else here wants.
pub(super) fn yield_to_others() {
    let _ = setpriority_process(None, 5);
}
