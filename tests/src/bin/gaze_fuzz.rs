//! Throws broken inputs at the doors through which bytes of others come in.
//!
//! ```text
//! gaze_fuzz [--seconds 20] [--inputs N] [--seed N] [--hang SECONDS] [--out FOLDER] [--first] [DOOR ...]
//! gaze_fuzz --once DOOR FILE
//! ```
//!
//! Each door is entered in a process of its own with little address space, so that a panic, an
//! abort, an overflow of the stack, a hang (`--hang`, ten seconds for one input) and an input that asks for
//! gigabytes are seen, and the search goes on behind them. An input whose answer is new becomes a
//! seed. What was found is made smaller and stored as `DOOR-what-hash.bin`; exit code 1 then.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use gaze_tests::fuzz::{self, Door, mutate::Dice};
use rustix::process::{Resource, Rlimit, setrlimit};

type Error = Box<dyn std::error::Error>;

/// Inputs that are tried to make one smaller.
const SHRINKS: u64 = 300;

struct Options {
    seconds: u64,
    /// No more than so many for each door.
    inputs: u64,
    seed: u64,
    hang: Duration,
    out: PathBuf,
    /// One find is enough.
    first: bool,
    doors: Vec<Door>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["--once", door, file] => once(door, Path::new(file)).map(|()| ExitCode::SUCCESS),
        ["--child", door, folder, seed, millis, inputs] => {
            child(door, Path::new(folder), seed, millis, inputs).map(|()| ExitCode::SUCCESS)
        }
        _ => options(&words).and_then(|o| search(&o)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("gaze_fuzz: {error}");
        ExitCode::from(2)
    })
}

fn options(words: &[&str]) -> Result<Options, Error> {
    let mut o = Options {
        seconds: 20,
        inputs: u64::MAX,
        seed: 1,
        hang: Duration::from_secs(10),
        out: "fuzz-found".into(),
        first: false,
        doors: Vec::new(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match *word {
            "--seconds" => o.seconds = value()?.parse()?,
            "--inputs" => o.inputs = value()?.parse()?,
            "--seed" => o.seed = value()?.parse()?,
            "--hang" => o.hang = Duration::from_secs(value()?.parse()?),
            "--out" => o.out = value()?.into(),
            "--first" => o.first = true,
            door => o.doors.push(named(door)?),
        }
    }
    if o.doors.is_empty() {
        o.doors = fuzz::DOORS.to_vec();
    }
    Ok(o)
}

fn named(door: &str) -> Result<Door, Error> {
    fuzz::named(door).ok_or_else(|| {
        let all: Vec<&str> = fuzz::DOORS.iter().map(|d| d.name).collect();
        format!("no door {door}; there are {}", all.join(", ")).into()
    })
}

/// In a child: little memory, and no core file.
fn confine(door: &Door) -> Result<(), Error> {
    let at_most = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::As, at_most(door.memory_mib << 20))?;
    setrlimit(Resource::Core, at_most(0))?;
    Ok(())
}

fn once(door: &str, file: &Path) -> Result<(), Error> {
    let door = named(door)?;
    confine(&door)?;
    // Some doors look for a name beside it.
    let folder = tempfile::tempdir()?;
    let (input, copy) = (std::fs::read(file)?, folder.path().join("input"));
    std::fs::write(&copy, &input)?;
    println!("{}", (door.enter)(&copy, &input));
    Ok(())
}

/// Where a child tells how far it is: the input is there before it is tried.
struct Desk {
    input: PathBuf,
    count: PathBuf,
    current: PathBuf,
}

impl Desk {
    fn of(folder: &Path) -> Desk {
        Desk {
            input: folder.join("input"),
            count: folder.join("count"),
            current: folder.join("inputs"),
        }
    }

    fn count(&self) -> u64 {
        let bytes = std::fs::read(&self.count).unwrap_or_default();
        bytes.try_into().map_or(0, u64::from_le_bytes)
    }
}

fn child(door: &str, folder: &Path, seed: &str, millis: &str, inputs: &str) -> Result<(), Error> {
    let door = named(door)?;
    confine(&door)?;
    let desk = Desk::of(folder);
    let mut dice = Dice::new(seed.parse()?);
    let mut corpus = (door.seeds)();
    let mut answers: HashSet<String> = HashSet::new();
    let end = Instant::now() + Duration::from_millis(millis.parse()?);
    let most: u64 = inputs.parse()?;
    let mut count = 0_u64;
    let sound = corpus.clone().into_iter();
    let mut sound = sound.map(|s| (true, s));
    while Instant::now() < end && count < most {
        let (is_seed, input) =
            (sound.next()).unwrap_or_else(|| (false, (door.mutate)(&mut dice, &corpus)));
        std::fs::write(&desk.input, &input)?;
        count += 1;
        std::fs::write(&desk.count, count.to_le_bytes())?;
        let answer = (door.enter)(&desk.input, &input);
        // What is answered in a new way is worth being broken further.
        if answers.insert(answer) && !is_seed && corpus.len() < 400 {
            corpus.push(input);
        }
    }
    std::fs::write(&desk.current, answers.len().to_string())?;
    Ok(())
}

/// What became of a child.
enum End {
    Well,
    Found(String),
}

fn end_of(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => End::Well,
        (Some(101), _) => End::Found("panic".into()),
        (Some(code), _) => End::Found(format!("exit{code}")),
        (None, signal) => End::Found(format!("signal{}", signal.unwrap_or(0))),
    }
}

/// Waits for a child; ends one that does nothing for so long.
fn watch(mut child: Child, hang: Duration, progress: impl Fn() -> u64) -> Result<End, Error> {
    let (mut last, mut since) = (progress(), Instant::now());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(end_of(status));
        }
        let now = progress();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > hang {
            child.kill()?;
            child.wait()?;
            return Ok(End::Found("hang".into()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn me(arguments: &[&str]) -> Result<Child, Error> {
    let child = Command::new(std::env::current_exe()?)
        .args(arguments)
        // A trace is read from the program's file, which takes seconds and memory.
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(child)
}

fn search(o: &Options) -> Result<ExitCode, Error> {
    let mut all = 0;
    for door in &o.doors {
        let folder = tempfile::Builder::new().prefix("gaze-fuzz-").tempdir_in(
            if Path::new("/dev/shm").is_dir() {
                "/dev/shm".into()
            } else {
                std::env::temp_dir()
            },
        )?;
        let desk = Desk::of(folder.path());
        let path = folder.path().to_str().ok_or("a folder without a name")?;
        let begun = Instant::now();
        let end = begun + Duration::from_secs(o.seconds);
        let (mut seed, mut tried, mut answers) = (o.seed, 0, String::from("?"));
        let mut found: HashSet<PathBuf> = HashSet::new();
        while let Some(left) = end.checked_duration_since(Instant::now())
            && tried < o.inputs
            && (!o.first || found.is_empty())
        {
            std::fs::write(&desk.count, 0_u64.to_le_bytes())?;
            let left = left.as_millis().to_string();
            let (its_seed, inputs) = (seed.to_string(), (o.inputs - tried).to_string());
            let child = me(&["--child", door.name, path, &its_seed, &left, &inputs])?;
            let ended = watch(child, o.hang, || desk.count())?;
            tried += desk.count();
            seed += 1;
            match ended {
                End::Well => answers = std::fs::read_to_string(&desk.current)?,
                End::Found(what) if desk.count() == 0 => {
                    return Err(format!("{}: {what} before the first input", door.name).into());
                }
                End::Found(what) => {
                    let input = std::fs::read(&desk.input)?;
                    let small = shrink(door, &what, input, folder.path(), o.hang)?;
                    let mut hash = DefaultHasher::new();
                    small.hash(&mut hash);
                    let name = format!("{}-{what}-{:016x}.bin", door.name, hash.finish());
                    std::fs::create_dir_all(&o.out)?;
                    let stored = o.out.join(name);
                    std::fs::write(&stored, &small)?;
                    eprintln!("{}: {what}: {}", door.name, stored.display());
                    found.insert(stored);
                }
            }
        }
        println!(
            "{:12} {tried:9} inputs in {:.0} s, seed {}, {answers} different answers, {} found",
            door.name,
            begun.elapsed().as_secs_f64(),
            o.seed,
            found.len()
        );
        all += found.len();
    }
    Ok(ExitCode::from(u8::from(all > 0)))
}

/// Leaves out what can be left out while the same still happens.
fn shrink(
    door: &Door,
    what: &str,
    input: Vec<u8>,
    folder: &Path,
    hang: Duration,
) -> Result<Vec<u8>, Error> {
    if what == "hang" {
        return Ok(input);
    }
    let file = folder.join("smaller");
    let path = file.to_str().ok_or("a folder without a name")?;
    let mut small = input;
    let mut length = small.len() / 2;
    let mut left = SHRINKS;
    while length > 0 && left > 0 {
        let mut at = 0;
        while at < small.len() && left > 0 {
            let mut less = small.clone();
            less.drain(at..(at + length).min(small.len()));
            std::fs::write(&file, &less)?;
            left -= 1;
            let ended = watch(me(&["--once", door.name, path])?, hang, || 0)?;
            match ended {
                End::Found(same) if same == what => small = less,
                _ => at += length,
            }
        }
        length /= 2;
    }
    Ok(small)
}
