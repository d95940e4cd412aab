//! Connections that are held for nothing: some never finish their handshake, some say nothing, some never finish the
//! headers of a request.

use std::io::Write as _;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubegate_tests::envoy::Envoy;
use kubegate_tests::raw::{Client, Connection};
use kubegate_tests::world::CLUSTER_HOST;

use super::figures::connections;
use super::victim::Victim;

/// How a TLS record with a ClientHello begins.
const BEGUN: [u8; 5] = [0x16, 0x03, 0x01, 0x02, 0x00];

/// The longest that closing them may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The connections, by how they are slow.
pub(super) struct Slow {
    silent: Vec<Connection>,
    trickling: Vec<Connection>,
    unfinished: Vec<TcpStream>,
}

impl Slow {
    /// Most of them silent; the others have less time, and come last.
    pub(super) fn open(client: &Client, count: usize) -> Self {
        let request = format!("GET /api HTTP/1.1\r\nHost: {CLUSTER_HOST}\r\nX-Slow: ");
        let shaken = |said: &str| {
            let mut connection = client.connect().unwrap();
            connection.conn.complete_io(&mut connection.sock).unwrap();
            connection.write_all(said.as_bytes()).unwrap();
            connection
        };
        let unfinished = |number: usize| {
            let mut socket = client.dial().unwrap();
            socket.write_all(&BEGUN[..number % BEGUN.len()]).unwrap();
            socket
        };
        let silent = (0..count * 8 / 10).map(|_| shaken("")).collect();
        let trickling = (0..count / 10).map(|_| shaken(&request)).collect();
        Self { silent, trickling, unfinished: (0..count / 10).map(unfinished).collect() }
    }

    /// Says a byte more of each header every second, while somebody else works, until Envoy has closed all that may not
    /// be held like that; says how long that took.
    pub(super) fn trickle_until_closed(&mut self, envoy: &Envoy, victim: &mut Victim) -> Duration {
        let began = Instant::now();
        // Silent connections are idle, and may be; so are the victim's and those of the stage.
        let may_stay = self.silent.len() as u64 + 50;
        while connections(envoy) > may_stay {
            assert!(began.elapsed() < LIMIT, "{} of {may_stay} connections", connections(envoy));
            self.trickling.retain_mut(|connection| connection.write_all(b"x").is_ok());
            victim.many(20);
            sleep(Duration::from_millis(500));
        }
        self.unfinished.clear();
        began.elapsed()
    }
}
