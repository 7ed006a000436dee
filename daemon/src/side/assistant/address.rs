//! Whom the assistant asks: this machine, and nobody else.
//!
//! No name but `localhost` is looked up, because a lookup leaves the machine too; and what it
//! is looked up as is all that is ever connected to.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// Where Moondream Station listens if nobody tells it otherwise.
pub const USUAL: &str = "http://127.0.0.1:2020/v1";
/// Its port.
const PORT: u16 = 2020;
/// Where its functions are.
const PATH: &str = "/v1";

const THIS_MACHINE: &str = "pictures go to this machine alone: give http://127.0.0.1:2020/v1, \
                            http://localhost:2020/v1 or http://[::1]:2020/v1";

/// An HTTP address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The addresses behind it, loopback all of them; at least one.
    pub addresses: Vec<SocketAddr>,
    /// `http://host:port/path`, without a slash at its end.
    pub url: String,
}

impl Endpoint {
    /// Takes an address as people write it; port 2020 and path `/v1` may be left out.
    ///
    /// # Errors
    /// What would be right, in one line: it is no HTTP address, or not of this machine.
    pub fn parse(text: &str) -> Result<Endpoint, &'static str> {
        let plain = |t: &str| t.bytes().all(|b| b.is_ascii_graphic());
        let rest = text.strip_prefix("http://").filter(|t| plain(t));
        let rest = rest.ok_or(THIS_MACHINE)?;
        let (place, path) = match rest.find('/') {
            Some(i) => (&rest[..i], rest[i..].trim_end_matches('/')),
            None => (rest, ""),
        };
        if place.contains(['@', '?', '#', '\\', '%']) || path.contains(['?', '#', '\\', '%']) {
            return Err("give scheme, host, port and path alone: http://127.0.0.1:2020/v1");
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(six) => six.split_once(']').ok_or(THIS_MACHINE)?,
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(digits) => digits.parse().ok().filter(|p| *p > 0),
            None if port.is_empty() => Some(PORT),
            None => None,
        };
        let port = port.ok_or("its port is none: give http://127.0.0.1:2020/v1")?;
        let addresses = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) if host.eq_ignore_ascii_case("localhost") => {
                let found = ("localhost", port).to_socket_addrs();
                found
                    .map_err(|_| "localhost has no address here: give http://127.0.0.1:2020/v1")?
                    .collect()
            }
            Err(_) => return Err(THIS_MACHINE),
        };
        if addresses.is_empty() || !addresses.iter().all(|a| a.ip().is_loopback()) {
            return Err(THIS_MACHINE);
        }
        let path = if path.is_empty() { PATH } else { path };
        let host = match addresses[0].ip() {
            IpAddr::V6(_) if host != "localhost" => format!("[{host}]"),
            _ => host.to_owned(),
        };
        Ok(Endpoint {
            url: format!("http://{host}:{port}{path}"),
            addresses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_asked_and_nobody_else() {
        for (text, url, address) in [
            (USUAL, USUAL, "127.0.0.1:2020"),
            ("http://127.0.0.1", USUAL, "127.0.0.1:2020"),
            (
                "http://127.9.8.7:81/",
                "http://127.9.8.7:81/v1",
                "127.9.8.7:81",
            ),
            ("http://[::1]:9/v2/", "http://[::1]:9/v2", "[::1]:9"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(endpoint.url, url);
            assert_eq!(endpoint.addresses, [address.parse().unwrap()]);
        }
        let local = Endpoint::parse("http://localhost:2020/v1").unwrap();
        assert_eq!(local.url, "http://localhost:2020/v1");
        assert!(
            local
                .addresses
                .iter()
                .all(|a| a.ip().is_loopback() && a.port() == 2020)
        );
        for foreign in [
            "http://192.168.1.5:2020/v1",
            "http://0.0.0.0:2020/v1",
            "http://[::]:2020",
            "http://[::ffff:8.8.8.8]:2020",
            "http://128.0.0.1",
            "http://127.0.0.1.nip.io/v1", // a name
            "http://127.1/v1",
            "http://localhost.example.com/v1",
            "http://api.moondream.ai/v1",
            "http://127.0.0.1@example.com/v1",
            "http://127.0.0.1:2020@example.com/v1",
            "http://127.0.0.1:x/v1",
            "http://127.0.0.1:0/v1",
            "http://127.0.0.1:99999/v1",
            "http://127.0.0.1:2020/v1?to=example.com",
            "http://127.0.0.1\r\nHost: example.com/",
            "http:// 127.0.0.1/",
            "http://",
            "https://127.0.0.1:2020/v1",
            "file:///etc/passwd",
            "127.0.0.1:2020",
            "",
        ] {
            let why = Endpoint::parse(foreign).expect_err(foreign);
            assert!(why.contains("http://127.0.0.1:2020/v1") && !why.contains('\n'));
        }
    }
}
