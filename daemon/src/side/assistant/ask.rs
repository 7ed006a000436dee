//! One question over HTTP, in Moondream Station's words: `POST …/query` with
//! `{"image_url": "data:image/jpeg;base64,…", "question": …, "stream": false}`, answered by
//! `{"answer": …}` or `{"error": …}`.
//!
//! Only the addresses that were checked are connected to: no proxy (also none that the
//! environment names), no redirect, no lookup of names, no TLS. Everything is bounded: time to
//! connect, time in all, bytes of head and body.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{NextTimeout, TcpConnector};

use super::address::Endpoint;
use super::answer::{self, Answer, QUESTION, shown};
use crate::side::stand_back;

/// On the same machine nobody takes longer to say that they are there.
const CONNECT: Duration = Duration::from_secs(2);
/// Two words, and what JSON and statistics there are around them.
const MOST_BYTES: u64 = 64 << 10;
const MOST_HEAD: usize = 16 << 10;
const ELSEWHERE: &str = "it sends us elsewhere, where no picture goes";

/// A question.
pub(super) struct Job {
    pub endpoint: Endpoint,
    /// There is no answer after this time.
    pub limit: Duration,
    pub jpeg: Vec<u8>,
}

/// The thread `gaze-asking`. It ends when this goes and its question is over.
pub(super) struct Asker {
    jobs: Sender<Job>,
    outcomes: Receiver<Result<Answer, String>>,
}

impl Asker {
    pub fn start() -> std::io::Result<Asker> {
        let (jobs, taken) = channel::<Job>();
        let (tell, outcomes) = channel();
        // Nobody joins it: the daemon's end waits for no answer.
        std::thread::Builder::new()
            .name("gaze-asking".into())
            .spawn(move || {
                stand_back();
                for job in taken {
                    if tell.send(ask(&job)).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Asker { jobs, outcomes })
    }

    /// Whether the question is on its way.
    pub fn ask(&self, job: Job) -> bool {
        self.jobs.send(job).is_ok()
    }

    /// What became of the question, once that is known; `Some(None)`: the thread died.
    pub fn outcome(&self) -> Option<Option<Result<Answer, String>>> {
        match self.outcomes.try_recv() {
            Ok(outcome) => Some(Some(outcome)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }
}

#[derive(Serialize)]
struct Query<'a> {
    image_url: &'a str,
    question: &'a str,
    stream: bool,
}

/// Whatever is asked for, these addresses are all there are.
#[derive(Debug)]
struct Only(Vec<SocketAddr>);

impl Resolver for Only {
    fn resolve(
        &self,
        _: &Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut all = self.empty();
        // There is room for 16.
        self.0.iter().take(8).for_each(|a| all.push(*a));
        match all.is_empty() {
            true => Err(ureq::Error::HostNotFound),
            false => Ok(all),
        }
    }
}

/// Asks about a JPEG; blocks, at most for the limit. The error is one line.
fn ask(job: &Job) -> Result<Answer, String> {
    let (endpoint, limit) = (&job.endpoint, job.limit);
    let config = ureq::config::Config::builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(limit))
        .timeout_connect(Some(CONNECT.min(limit)))
        .max_response_header_size(MOST_HEAD)
        .max_idle_connections(0)
        .user_agent("gazed")
        .build();
    let only = Only(endpoint.addresses.clone());
    let agent = ureq::Agent::with_parts(config, TcpConnector::default(), only);
    let mut image_url = String::from("data:image/jpeg;base64,");
    STANDARD.encode_string(&job.jpeg, &mut image_url);
    let query = Query {
        image_url: &image_url,
        question: QUESTION,
        stream: false,
    };
    // Texts and no map: this cannot fail.
    let body = serde_json::to_vec(&query).unwrap_or_default();
    let in_words = |e| in_words(e, endpoint, limit);
    let response = agent
        .post(format!("{}/query", endpoint.url))
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .send(&body[..]);
    let mut response = response.map_err(in_words)?;
    let status = response.status();
    if status.is_redirection() {
        return Err(ELSEWHERE.into());
    }
    let bytes = response
        .body_mut()
        .with_config()
        .limit(MOST_BYTES)
        .read_to_vec();
    let bytes = bytes.map_err(in_words)?;
    let value: serde_json::Value = match serde_json::from_slice(&bytes) {
        Ok(value) if status.is_success() => value,
        Err(_) if status.is_success() => return Err("its answer is not JSON".into()),
        other => {
            let said = other
                .ok()
                .and_then(|v| Some(shown(v.get("detail")?.as_str()?)));
            let said = said.map_or_else(String::new, |s| format!(": {s}"));
            return Err(format!("HTTP status {}{said}", status.as_u16()));
        }
    };
    let field = |name: &str| value.get(name).and_then(|v| v.as_str());
    match (field("answer"), field("error")) {
        (_, Some(error)) => Err(format!("it says: {}", shown(error))),
        (Some(text), None) => answer::read(text),
        (None, None) => Err("its JSON holds no \"answer\"".into()),
    }
}

fn in_words(error: ureq::Error, endpoint: &Endpoint, limit: Duration) -> String {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect) => "it takes no connection".into(),
        ureq::Error::Timeout(_) => format!("no answer within {:.1} s", limit.as_secs_f64()),
        ureq::Error::RedirectFailed | ureq::Error::TooManyRedirects => ELSEWHERE.into(),
        ureq::Error::BodyExceedsLimit(_) => "its answer is too long".into(),
        ureq::Error::LargeResponseHeader(..) => "the head of its answer is too long".into(),
        ureq::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused => {
            format!(
                "nobody listens at {}; start Moondream Station",
                endpoint.url
            )
        }
        other => shown(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::layout::Region;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    /// What comes of a question to a server that has read all of it and then does this.
    fn answered(serve: impl FnOnce(&mut TcpStream) + Send + 'static) -> Result<Answer, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut heard, mut part) = (Vec::new(), [0; 4096]);
            // The question is JSON, and so ends with a brace.
            while !heard.ends_with(b"}") {
                let n = stream.read(&mut part).unwrap();
                heard.extend_from_slice(&part[..n]);
            }
            serve(&mut stream);
        });
        ask(&Job {
            endpoint: Endpoint::parse(&url).unwrap(),
            limit: Duration::from_millis(700),
            jpeg: vec![7; 3000],
        })
    }

    fn said(response: &'static str) -> Result<Answer, String> {
        answered(move |s| s.write_all(response.as_bytes()).unwrap())
    }

    #[test]
    fn good_answers_are_read_however_they_are_framed() {
        let all = Ok(Answer::Region(Region::TopRight));
        let plain = "HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{\"answer\": \"top left\"}";
        // One byte short of what it announced: nothing is made of a part.
        assert!(said(plain).is_err() || said(plain) == all);
        let exact = "HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"answer\": \"top left\"}";
        assert_eq!(said(exact), all);
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                       b\r\n{\"answer\": \r\nb\r\n\"top left\"}\r\n0\r\n\r\n";
        assert_eq!(said(chunked), all);
        let closed = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"answer\": \"top left\"}";
        assert_eq!(said(closed), all);
        let nobody = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"answer\": \"Nobody\"}";
        assert_eq!(said(nobody), Ok(Answer::Nobody));
    }

    #[test]
    fn everything_else_is_one_line_and_over_in_time() {
        let endless = |text: &'static str, pause: u64| {
            move |s: &mut TcpStream| {
                while s.write_all(text.as_bytes()).is_ok() {
                    std::thread::sleep(Duration::from_millis(pause));
                }
            }
        };
        let head = |s: &mut TcpStream| {
            s.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        };
        for (what, outcome, why) in [
            (
                "silence",
                answered(|s| drop(s.read(&mut [0]))),
                "no answer within 0.7 s",
            ),
            ("a drip of head", answered(endless("H", 20)), ""),
            (
                "a head without end",
                answered(move |s| {
                    let _ = s.write_all(b"HTTP/1.1 200 OK\r\n");
                    endless("x-more: 0123456789012345678901234567890123456789\r\n", 0)(s);
                }),
                "",
            ),
            (
                "a body without end",
                answered(move |s| {
                    let _ = head(s);
                    endless("10\r\n0123456789abcdef\r\n", 0)(s);
                }),
                "its answer is too long",
            ),
            (
                "a body that drips",
                answered(move |s| {
                    let _ = head(s);
                    endless("1\r\n0\r\n", 20)(s);
                }),
                "no answer within 0.7 s",
            ),
            (
                "a huge promise",
                said("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{"),
                "",
            ),
            ("hanging up", answered(|_| ()), ""),
            ("no HTTP", said("220 smtp.example.com ESMTP\r\n"), ""),
            (
                "no JSON",
                said("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"),
                "its answer is not JSON",
            ),
            (
                "no answer",
                said("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n[{}]"),
                "its JSON holds no \"answer\"",
            ),
            (
                "an error",
                said("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"error\":\"no\\nm\"}"),
                "it says: no m",
            ),
            (
                "not running",
                said(
                    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 15\r\n\r\n{\"detail\":\"no\"}",
                ),
                "HTTP status 503: no",
            ),
            (
                "elsewhere",
                said(
                    "HTTP/1.1 302 Found\r\nlocation: http://example.com/\r\ncontent-length: 0\r\n\r\n",
                ),
                ELSEWHERE,
            ),
            (
                "elsewhere again",
                said("HTTP/1.1 308 Permanent Redirect\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
                ELSEWHERE,
            ),
        ] {
            let line = outcome.expect_err(what);
            assert!(!line.contains('\n') && !line.is_empty(), "{what}: {line}");
            assert!(why.is_empty() || line == why, "{what}: {line}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        drop(listener);
        let dead = ask(&Job {
            endpoint: Endpoint::parse(&url).unwrap(),
            limit: Duration::from_secs(60),
            jpeg: Vec::new(),
        });
        let why = format!("nobody listens at {url}; start Moondream Station");
        assert_eq!(dead, Err(why));
    }
}
