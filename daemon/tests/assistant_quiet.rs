//! While the assistant's server hangs, the way from frame to sample allocates nothing, and the
//! daemon ends without waiting for it.

mod running;

use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::Duration;

use gazed::pipeline::Side;
use gazed::side::assistant::{Plan, address::Endpoint};
use running::{Running, WATCHDOG};

#[test]
fn the_hot_path_stays_quiet_and_nobody_waits_for_the_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, taken) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The first question ends badly and is asked again; the second is never answered.
            if tell.send(()).is_ok() {
                std::thread::spawn(move || {
                    let _ = stream.read(&mut [0; 1024]);
                    std::thread::sleep(Duration::from_secs(2));
                });
            }
        }
    });
    let plan = Plan {
        endpoint: Endpoint::parse(&url).unwrap(),
        every: Duration::from_millis(200),
        fresh: Duration::from_secs(1),
        limit: Duration::from_secs(3600),
    };
    let side = Side {
        assistant: Some(plan),
        ..Side::default()
    };
    let running = Running::start(side, None);
    running.frames(60);
    let before = running.reader.header();
    for _ in 0..2 {
        taken.recv_timeout(WATCHDOG).expect("a question");
    }
    running.frames(30);
    let after = running.reader.header();
    assert!(after.sample_index > before.sample_index && after.assistant.asked >= 2);
    running.assert_quiet();
    // In a thread, so that one that waits is seen to.
    let (tell, ended) = channel();
    std::thread::spawn(move || {
        drop(running);
        let _ = tell.send(());
    });
    ended.recv_timeout(WATCHDOG).expect("it ends");
}
