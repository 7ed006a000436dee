//! The assistant beside the running daemon: what it is asked, what becomes of its answers, and
//! that whatever it does never touches the stream. A server of our own speaks Moondream
//! Station's protocol, well and badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use gaze::dataset::Prompt;
use gaze::dataset::protocol::{Answer, Begin, Request, Target, line};
use gaze::screen::Screen;
use gaze_tests::daemon::{Running, WATCHDOG, command, finish, fresh_name, runtime_folder};
use ring::HeaderSnapshot;
use ring::clock;
use ring::layout::{AssistantStatus, Reason, Region, Sample, text_of};
use rustix::process::Signal;
use serde_json::Value;

/// What it does with a question.
#[derive(Debug, Clone)]
enum Manner {
    /// The answer in words.
    Says(&'static str),
    /// Takes the question and never answers.
    Hangs,
    /// Sends us to another server.
    Redirects(u16),
}

struct Station {
    port: u16,
    manner: Arc<Mutex<Manner>>,
    /// Head and body of every question.
    heard: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Station {
    fn start(manner: Manner) -> Station {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let station = Station {
            port: listener.local_addr().unwrap().port(),
            manner: Arc::new(Mutex::new(manner)),
            heard: Arc::default(),
        };
        let (manner, heard) = (station.manner.clone(), station.heard.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (manner, heard) = (manner.clone(), heard.clone());
                std::thread::spawn(move || serve(stream, &manner, &heard));
            }
        });
        station
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn questions(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

fn serve(mut stream: TcpStream, manner: &Mutex<Manner>, heard: &Mutex<Vec<(String, Value)>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut text = String::new();
        if reader.read_line(&mut text).unwrap_or(0) == 0 {
            return;
        }
        if let Some(n) = text.to_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        if text == "\r\n" {
            break;
        }
        head.push_str(&text);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let question = serde_json::from_slice(&body).unwrap_or(Value::Null);
    heard.lock().unwrap().push((head, question));
    let manner = manner.lock().unwrap().clone();
    let (status, header, body) = match manner {
        Manner::Says(words) => {
            let stats = serde_json::json!({"tokens": 2, "duration": 0.1, "tokens_per_sec": 20.0});
            let answer = serde_json::json!({"answer": words, "_stats": stats});
            ("200 OK", String::new(), answer.to_string())
        }
        Manner::Hangs => {
            // Until the other end has had enough.
            let _ = reader.read(&mut [0]);
            return;
        }
        Manner::Redirects(port) => (
            "307 Temporary Redirect",
            format!("location: http://127.0.0.1:{port}/v1/query\r\n"),
            String::new(),
        ),
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{header}content-length: {length}\r\n\r\n{body}"
    );
}

/// Settings with this assistant, in a file.
fn settings(folder: &Path, url: &str, more: &str) -> String {
    let path = folder.join("settings.json");
    let assistant = format!(r#""on": true, "url": "{url}", "every_s": 0.5{more}"#);
    std::fs::write(&path, format!(r#"{{"assistant": {{{assistant}}}}}"#)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn until(
    daemon: &mut Running,
    what: &str,
    wanted: impl Fn(&HeaderSnapshot) -> bool,
) -> HeaderSnapshot {
    let reader = daemon.reader();
    let end = Instant::now() + WATCHDOG;
    loop {
        let header = reader.header();
        if wanted(&header) {
            return header;
        }
        assert!(
            Instant::now() < end,
            "{what} did not come: {:?}",
            header.assistant
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn status(daemon: &Running) -> (Value, String) {
    let ask = |args: &[&str]| {
        let mut ask = command(&daemon.shm);
        ask.args(args);
        finish(ask).stdout
    };
    let json = serde_json::from_slice(&ask(&["status", "--json"])).expect("JSON");
    (json, String::from_utf8(ask(&["status"])).expect("UTF-8"))
}

#[test]
fn it_is_asked_in_moondreams_words_and_compared_with_the_gaze() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::start(Manner::Says("Top left."));
    let config = settings(folder.path(), &station.url(), "");
    let mut daemon = Running::start(&["--source", "demo", "--config", &config]);
    let header = until(&mut daemon, "two comparisons", |h| {
        h.assistant.compared >= 2
    });
    let note = header.assistant;
    // Left in the picture is the person's right.
    assert_eq!(
        (note.status(), note.region()),
        (AssistantStatus::Answering, Region::TopRight)
    );
    assert_ne!(note.gaze_region(), Region::None);
    assert!(note.answered_ns > note.captured_ns && note.captured_ns > 0);
    let (json, text) = status(&daemon);
    let assistant = &json["assistant"];
    assert_eq!(assistant["status"], "answering", "{json}");
    assert_eq!(assistant["region"], "top right");
    assert!(assistant["age_s"].as_f64().unwrap() >= assistant["took_s"].as_f64().unwrap());
    assert!(assistant["compared"].as_u64() >= Some(2));
    assert_eq!(json["coarse"], Value::Null, "a face is measured");
    assert!(
        text.contains("\nassistant    top right; the gaze there: "),
        "{text}"
    );
    assert!(
        text.contains("; agreed in ") && !text.contains("\ncoarse"),
        "{text}"
    );
    for (head, question) in station.heard.lock().unwrap().iter() {
        assert!(head.starts_with("POST /v1/query HTTP/1.1\r\n"), "{head}");
        assert!(
            head.to_lowercase()
                .contains("content-type: application/json\r\n"),
            "{head}"
        );
        assert_eq!(question["stream"], false);
        assert!(
            question["question"]
                .as_str()
                .unwrap()
                .contains("which part of the screen")
        );
        let picture = question["image_url"].as_str().unwrap();
        let coded = picture
            .strip_prefix("data:image/jpeg;base64,")
            .expect("a data URL");
        let jpeg = base64::engine::general_purpose::STANDARD
            .decode(coded)
            .unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    }
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success());
    let reader = ring::Reader::open(&daemon.shm).expect("it is left for `gazed status`");
    let last = reader.header().assistant;
    assert_eq!((last.status(), last.coarse), (AssistantStatus::Off, 0));
}

#[test]
fn slow_and_straying_ones_leave_the_stream_alone_and_are_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = Station::start(Manner::Says("top left"));
    let station = Station::start(Manner::Hangs);
    let config = settings(folder.path(), &station.url(), r#", "timeout_s": 0.4"#);
    let mut daemon = Running::start(&["--source", "demo", "--config", &config]);
    let failing = |why: &'static str| {
        move |h: &HeaderSnapshot| {
            h.assistant.status() == AssistantStatus::Failing && text_of(&h.assistant.text) == why
        }
    };
    let begun = until(&mut daemon, "a failure", failing("no answer within 0.4 s"));
    // The stream flows beside a server that hangs.
    daemon.until("measured samples", |s: &Sample| {
        s.is_valid() && s.index > begun.sample_index + 60
    });
    let (json, text) = status(&daemon);
    assert_eq!(json["assistant"]["text"], "no answer within 0.4 s");
    assert!(
        text.contains("\nassistant    no answer within 0.4 s; "),
        "{text}"
    );
    assert!(json["assistant"]["failures_in_a_row"].as_u64() >= Some(1));

    // Who is refused a redirect's target never hears of us. HUP begins anew, at once.
    station.behave(Manner::Redirects(elsewhere.port));
    settings(folder.path(), &station.url(), r#", "timeout_s": 5"#);
    daemon.signal(Signal::HUP);
    until(
        &mut daemon,
        "the redirect's refusal",
        failing("it sends us elsewhere, where no picture goes"),
    );
    assert_eq!(elsewhere.questions(), 0);

    // Back to sense: asked again by itself, however long it failed.
    station.behave(Manner::Says("middle center"));
    let header = until(&mut daemon, "an answer", |h| {
        h.assistant.status() == AssistantStatus::Answering
    });
    assert_eq!(header.assistant.region(), Region::MiddleCenter);
    assert_eq!(header.assistant.failures, 0);

    // Switched off while it runs, and no question after that.
    std::fs::write(folder.path().join("settings.json"), "{}").unwrap();
    daemon.signal(Signal::HUP);
    until(&mut daemon, "its end", |h| {
        h.assistant.status() == AssistantStatus::Off
    });
    let asked = station.questions();
    std::thread::sleep(Duration::from_millis(1200));
    assert!(
        station.questions() <= asked + 1,
        "one may have been on its way"
    );
    // A question that hangs does not keep the daemon from ending.
    station.behave(Manner::Hangs);
    settings(folder.path(), &station.url(), r#", "timeout_s": 3600"#);
    daemon.signal(Signal::HUP);
    let questions = station.questions();
    let end = Instant::now() + WATCHDOG;
    while station.questions() == questions {
        assert!(Instant::now() < end, "nobody is asked");
        std::thread::sleep(Duration::from_millis(10));
    }
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success());
}

#[test]
fn other_machines_are_refused_at_the_start_in_one_line() {
    for url in [
        "http://192.0.2.1:2020/v1",
        "https://api.moondream.ai/v1",
        "http://[::]:2020",
    ] {
        let shm = fresh_name();
        let mut run = command(&shm);
        run.args(["run", "--source", "demo", "--assistant", url]);
        let output = finish(run);
        assert_eq!(output.status.code(), Some(3), "{url}");
        let said = String::from_utf8(output.stderr).unwrap();
        let line = format!(
            "gazed: settings: assistant.url is \"{url}\"; pictures go to this machine alone: "
        );
        assert!(
            said.starts_with(&line) && said.lines().count() == 1,
            "{said}"
        );
        assert!(ring::Reader::open(&shm).is_err(), "nothing is left behind");
    }
}

/// Pictures of nobody, each unlike the one before.
fn empty_room(folder: &Path) {
    for n in 0..6_u32 {
        let file = std::fs::File::create(folder.join(format!("{n}.png"))).unwrap();
        let mut encoder = png::Encoder::new(file, 320, 240);
        encoder.set_color(png::ColorType::Grayscale);
        let shade = |i: u32| (60 + 10 * n + i % 320 / 8 + i / 320 / 8) as u8;
        let pixels: Vec<u8> = (0..320 * 240).map(shade).collect();
        encoder
            .write_header()
            .unwrap()
            .write_image_data(&pixels)
            .unwrap();
    }
}

#[test]
fn while_no_face_is_measured_its_fresh_answer_is_offered_beside_the_samples_never_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let room = folder.path().join("room");
    std::fs::create_dir(&room).unwrap();
    empty_room(&room);
    let station = Station::start(Manner::Says("bottom right"));
    let config = settings(folder.path(), &station.url(), r#", "fresh_s": 2"#);
    let room = room.to_str().unwrap();
    let mut daemon = Running::start(&[
        "--source", room, "--loop", "--fps", "10", "--config", &config,
    ]);
    let header = until(&mut daemon, "a coarse region", |h| h.assistant.coarse == 1);
    assert_eq!(header.assistant.region(), Region::BottomLeft);
    assert_eq!(header.assistant.gaze_region(), Region::None);
    let end = Instant::now() + WATCHDOG;
    let (json, text) = loop {
        let (json, text) = status(&daemon);
        // The offer rests while a picture is late, as it may be under load.
        if json["coarse"] != Value::Null && text.contains("\ncoarse ") {
            break (json, text);
        }
        assert!(Instant::now() < end, "{json}");
    };
    assert_eq!(json["coarse"]["region"], "bottom left", "{json}");
    assert!(
        json["coarse"]["age_s"]
            .as_f64()
            .is_some_and(|age| age > 0.0)
    );
    assert!(text.contains("\ncoarse       bottom left, "), "{text}");
    assert_eq!(
        json["assistant"]["compared"], 0,
        "there is no gaze to compare with"
    );
    // All this while, no sample has a point.
    let reader = daemon.reader();
    let newest = reader.header().sample_index;
    // Under load a picture may be late, which is another reason.
    let sample = daemon.until("samples without a face", |s| {
        s.index > newest + 30 && s.reason() == Reason::NoFace
    });
    let points = [
        sample.x,
        sample.y,
        sample.raw_x,
        sample.raw_y,
        sample.cal_x,
        sample.cal_y,
    ];
    assert!(
        points.iter().all(|v| v.is_nan()) && !sample.is_valid(),
        "{sample:?}"
    );
    // What is not fresh is not offered; it says "nobody" and no region at all.
    station.behave(Manner::Hangs);
    let header = until(&mut daemon, "the region's end", |h| {
        h.assistant.coarse == 0 && !h.assistant.is_fresh(h.now_ns)
    });
    assert_eq!(
        header.assistant.region(),
        Region::BottomLeft,
        "it is only old"
    );
    assert_eq!(status(&daemon).0["coarse"], Value::Null);
}

#[test]
fn what_it_said_of_a_target_gets_into_the_recorded_labels() {
    let folder = tempfile::tempdir().unwrap();
    let station = Station::start(Manner::Says("bottom left"));
    let config = settings(folder.path(), &station.url(), "");
    let mut daemon = Running::start(&["--source", "demo", "--config", &config]);
    daemon.until("a valid sample", Sample::is_valid);
    let path = runtime_folder().join(format!("gaze/{}.record", &daemon.shm[1..]));
    let mut client = UnixStream::connect(path).expect("the daemon's socket is there");
    client.set_read_timeout(Some(WATCHDOG)).unwrap();
    let faces = folder.path().join("faces");
    let begin = Begin {
        folder: faces.clone(),
        consent: true,
        screen: Screen::laptop(1500, 900),
    };
    client.write_all(&line(&Request::Record(begin))).unwrap();
    let now = clock::now_ns();
    let target = Target {
        place: 0,
        x_px: 1.0,
        y_px: 1.0,
        from_ns: now,
        until_ns: now + 50_000_000_000,
        frames: 200,
        every_ms: 300,
        prompt: Prompt::Still,
    };
    client.write_all(&line(&Request::Target(target))).unwrap();
    let mut answers = BufReader::new(client);
    // The first pictures are stored before it has answered.
    let label = loop {
        let mut text = String::new();
        answers.read_line(&mut text).expect("an answer in time");
        let number = match serde_json::from_str(&text).unwrap() {
            Answer::Ready(_) => continue,
            Answer::Stored(stored) => stored.number,
            other => panic!("no label has its answer: {other:?}"),
        };
        let label = std::fs::read(faces.join(format!("img_{number}.json"))).unwrap();
        let label: Value = serde_json::from_slice(&label).unwrap();
        if label["moondream_result"]["x"] != 0.0 {
            break label;
        }
    };
    let said = &label["moondream_result"];
    // The middle of the person's bottom right ninth.
    let at = [said["x"].as_f64(), said["y"].as_f64()];
    assert_eq!(at, [Some(1250.0), Some(750.0)]);
    let agrees = said["z"].as_f64().unwrap();
    assert!([-1.0, 0.0, 1.0].contains(&agrees), "{agrees}");
}
