//! The file of prepared samples and their eye crops.
//!
//! ```text
//! "GAZECAC1" · length of the header, u64 · header, JSON · samples · crops · SHA-256 of all before
//! ```
//!
//! Little-endian. A sample is [`Sample::BYTES`] long. A crop is stored with a margin, so that
//! augmentation can shift, scale and turn it: [`CropSpec::wide`] pixels on a side, planes one
//! after the other, image-left eye first. Its middle [`CropSpec::size`] pixels are, byte for
//! byte, what `vision::EyeCropper::cut_bytes` cuts for the daemon.
//!
//! A cache is written beside its place and renamed, so one that is there is whole; the hash
//! tells when a disk has taken that back.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use gaze::screen::Screen;
use sha2::{Digest, Sha256};

pub use super::header::{CacheHeader, CropSpec, Drawn, Session, ShownOn, SourceFile};
use super::sample::Sample;

/// Number of this layout; it is in `MAGIC` too.
pub const SCHEMA: u32 = 1;

/// How a cache begins.
const MAGIC: &[u8; 8] = b"GAZECAC1";

/// Why a cache cannot be used. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be read or written.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else, of another version, or damaged.
    #[error("{}: {why}; make it anew with `gaze-trainer prepare`", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Whether the file begins as a cache of any version does.
pub fn is_cache(path: &Path) -> bool {
    let mut begin = [0; 7];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && begin[..] == MAGIC[..7]
}

/// Prepared samples with their crops, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Cache {
    /// What they have in common.
    pub header: CacheHeader,
    /// One for each picture, in the order of the files.
    pub samples: Vec<Sample>,
    crops: Vec<u8>,
}

impl Cache {
    /// Reads a cache into memory.
    ///
    /// # Errors
    /// [`CacheError`]: missing, something else, of another version, or damaged.
    pub fn open(path: &Path) -> Result<Cache, CacheError> {
        let io = |what| move |source| io_error(path, what, source);
        let mut bytes = Vec::new();
        let mut file = File::open(path).map_err(io("cannot be opened"))?;
        file.read_to_end(&mut bytes).map_err(io("cannot be read"))?;
        Cache::parse(bytes).map_err(|why| CacheError::Unusable {
            path: path.to_owned(),
            why,
        })
    }

    fn parse(mut bytes: Vec<u8>) -> Result<Cache, String> {
        if !bytes.starts_with(MAGIC) {
            return Err("is no cache of this version".into());
        }
        let body = bytes.len().checked_sub(32).filter(|n| *n >= 16);
        let damaged = || "is cut off or damaged".to_owned();
        let body = body.ok_or_else(damaged)?;
        if Sha256::digest(&bytes[..body])[..] != bytes[body..] {
            return Err(damaged());
        }
        let mut r = wire::Reader(&bytes[MAGIC.len()..body]);
        let length = r.u64().ok_or_else(damaged)?;
        let json = r.take(length as usize).ok_or_else(damaged)?;
        let header: CacheHeader = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        if header.schema != SCHEMA {
            return Err(format!("has layout {}, not {SCHEMA}", header.schema));
        }
        let samples: Option<Vec<Sample>> =
            (0..header.samples).map(|_| Sample::read(&mut r)).collect();
        let samples = samples.ok_or_else(damaged)?;
        let crops = 2 * header.crop.wide_len() * samples.len();
        let sound = samples.iter().all(|s| {
            usize::from(s.person) < header.persons.len()
                && usize::from(s.session) < header.sessions.len()
                && usize::from(s.target) < header.targets.len()
                && usize::from(s.screen) < header.screens.len()
                && (s.file as usize) < header.files.len()
        });
        if r.0.len() != crops || !sound {
            return Err(damaged());
        }
        // In place: a second copy of all crops would be half of the memory.
        bytes.truncate(body);
        bytes.drain(..body - crops);
        Ok(Cache {
            header,
            samples,
            crops: bytes,
        })
    }

    /// A cache of samples that are in memory; `crops` as they are stored.
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn from_parts(header: CacheHeader, samples: Vec<Sample>, crops: Vec<u8>) -> Cache {
        assert_eq!(samples.len(), header.samples, "as many samples as it says");
        let length = 2 * header.crop.wide_len() * samples.len();
        assert_eq!(crops.len(), length, "two crops for each sample");
        Cache {
            header,
            samples,
            crops,
        }
    }

    /// What [`Cache::from_parts`] takes.
    pub fn into_parts(self) -> (CacheHeader, Vec<Sample>, Vec<u8>) {
        (self.header, self.samples, self.crops)
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Both eyes' crops *with their margin*, image-left first: channels × wide × wide bytes.
    pub fn wide_crops(&self, sample: usize) -> [&[u8]; 2] {
        let len = self.header.crop.wide_len();
        let both = &self.crops[2 * len * sample..2 * len * (sample + 1)];
        [&both[..len], &both[len..]]
    }

    /// Copies both eyes' crops as the daemon's network would see them: channels × size × size
    /// bytes each.
    pub fn crops_into(&self, sample: usize, left: &mut [u8], right: &mut [u8]) {
        let [l, r] = self.wide_crops(sample);
        self.header.crop.middle(l, left);
        self.header.crop.middle(r, right);
    }

    /// The same in new memory.
    pub fn crops(&self, sample: usize) -> [Vec<u8>; 2] {
        let mut both = [(); 2].map(|()| vec![0; self.header.crop.exact_len()]);
        let [l, r] = &mut both;
        self.crops_into(sample, l, r);
        both
    }

    /// The screen that a sample's target was on.
    pub fn screen(&self, sample: usize) -> &Screen {
        &self.header.screens[usize::from(self.samples[sample].screen)].screen
    }

    /// Where a sample's picture is.
    pub fn picture(&self, sample: usize) -> PathBuf {
        let file = &self.header.files[self.samples[sample].file as usize];
        Path::new(&self.header.folder).join(&file.path)
    }
}

/// Writes a cache: samples first, then their crops in the same order.
#[derive(Debug)]
pub struct CacheWriter {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
    crop_len: usize,
    missing: usize,
}

impl CacheWriter {
    /// Begins a cache that shall be at `path`; beside it until [`CacheWriter::finish`].
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn create(
        path: &Path,
        header: &CacheHeader,
        samples: &[Sample],
    ) -> Result<CacheWriter, CacheError> {
        assert_eq!(samples.len(), header.samples, "as many samples as it says");
        let part = beside(path, ".new");
        let file = File::create(&part).map_err(|e| io_error(&part, "cannot be written", e))?;
        let mut writer = CacheWriter {
            path: path.to_owned(),
            part,
            out: BufWriter::with_capacity(1 << 20, file),
            hash: Sha256::new(),
            crop_len: header.crop.wide_len(),
            missing: samples.len(),
        };
        let json = serde_json::to_vec(header).expect("a header is JSON");
        let mut head = MAGIC.to_vec();
        head.extend((json.len() as u64).to_le_bytes());
        head.extend(json);
        for sample in samples {
            sample.write(&mut head);
        }
        writer.put(&head)?;
        Ok(writer)
    }

    /// The next sample's crops with their margin.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn crops(&mut self, left: &[u8], right: &[u8]) -> Result<(), CacheError> {
        assert!(left.len() == self.crop_len && right.len() == self.crop_len);
        self.missing -= 1;
        self.put(left)?;
        self.put(right)
    }

    /// Syncs and gives the cache its name.
    ///
    /// # Errors
    /// [`CacheError::Io`].
    pub fn finish(mut self) -> Result<(), CacheError> {
        assert_eq!(self.missing, 0, "every sample has crops");
        let hash = self.hash.clone().finalize();
        let done = (self.out.write_all(&hash))
            .and_then(|()| self.out.flush())
            .and_then(|()| self.out.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.part, &self.path));
        done.map_err(|e| self.failed(e))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), CacheError> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(|e| self.failed(e))
    }

    fn failed(&self, source: io::Error) -> CacheError {
        let _ = fs::remove_file(&self.part);
        io_error(&self.path, "cannot be written", source)
    }
}

/// `name` with something after it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

pub(super) fn io_error(path: &Path, what: &'static str, source: io::Error) -> CacheError {
    CacheError::Io {
        path: path.to_owned(),
        what,
        source,
    }
}

/// Numbers as bytes, little-endian.
pub(super) mod wire {
    pub(crate) struct Writer<'a>(pub &'a mut Vec<u8>);

    impl Writer<'_> {
        pub fn u8(&mut self, v: u8) {
            self.0.push(v);
        }
        pub fn u16(&mut self, v: u16) {
            self.0.extend(v.to_le_bytes());
        }
        pub fn u32(&mut self, v: u32) {
            self.0.extend(v.to_le_bytes());
        }
        pub fn u64(&mut self, v: u64) {
            self.0.extend(v.to_le_bytes());
        }
        pub fn f32s(&mut self, all: &[f32]) {
            all.iter().for_each(|v| self.0.extend(v.to_le_bytes()));
        }
    }

    pub(crate) struct Reader<'a>(pub &'a [u8]);

    impl<'a> Reader<'a> {
        pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
            let (now, later) = self.0.split_at_checked(n)?;
            self.0 = later;
            Some(now)
        }
        fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
            self.take(N)?.try_into().ok()
        }
        pub fn u8(&mut self) -> Option<u8> {
            self.array::<1>().map(|[v]| v)
        }
        pub fn u16(&mut self) -> Option<u16> {
            self.array().map(u16::from_le_bytes)
        }
        pub fn u32(&mut self) -> Option<u32> {
            self.array().map(u32::from_le_bytes)
        }
        pub fn u64(&mut self) -> Option<u64> {
            self.array().map(u64::from_le_bytes)
        }
        pub fn f32s<const N: usize>(&mut self) -> Option<[f32; N]> {
            let mut all = [0.0; N];
            for v in &mut all {
                *v = f32::from_le_bytes(self.array()?);
            }
            Some(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use vision::EyeCropSpec;

    use super::*;
    use proptest::prelude::*;

    fn header(samples: usize) -> CacheHeader {
        CacheHeader {
            schema: SCHEMA,
            crop: CropSpec::new(&EyeCropSpec {
                size: 16,
                ..EyeCropSpec::default()
            }),
            settings: "ab".into(),
            json_eyes: false,
            hfov_deg: 60.0,
            folder: "faces".into(),
            persons: vec!["anna".into()],
            drawn: BTreeMap::new(),
            sessions: vec![Session {
                person: 0,
                begins_ms: 1,
                ends_ms: 2,
            }],
            targets: vec![[0.5, 0.5]],
            screens: vec![ShownOn {
                screen: Screen::default(),
                measured: false,
                px_known: false,
            }],
            files: vec![SourceFile {
                path: "anna/img_1.jpg".into(),
                hash: "00".into(),
                picture: "01".into(),
            }],
            skipped: vec![],
            samples,
        }
    }

    prop_compose! {
        fn sample()(v in prop::array::uniform32(-1e3..1e3f32), t in any::<u64>(), px in any::<[u16; 2]>(),
                    is in any::<[bool; 7]>()) -> Sample {
            let at = |i: usize| [v[i], v[i + 1], v[i + 2]];
            Sample {
                timestamp_ms: t,
                target_norm: [v[0], v[1]],
                ray: is[0].then(|| at(2)),
                origin_mm: at(5),
                head_deg: at(8),
                eye_position: [v[11], v[12], v[13], v[14], v[15]],
                open: [is[1], is[2]],
                geometric: is[3].then(|| at(16)),
                geometric_mm: at(29),
                json_head_deg: is[4].then(|| at(19)),
                json_eyes: is[5].then(|| [v[22], v[23], v[24], v[25]]),
                json_iris: is[6].then(|| [v[27], v[28]]),
                image_px: px,
                brightness: v[26],
                ..Sample::default()
            }
        }
    }

    proptest! {
        #[test]
        fn a_sample_comes_back(sample in sample()) {
            let mut bytes = vec![];
            sample.write(&mut bytes);
            prop_assert_eq!(bytes.len(), Sample::BYTES);
            prop_assert_eq!(Sample::read(&mut wire::Reader(&bytes)), Some(sample));
        }
    }

    #[test]
    fn a_cache_comes_back_and_a_damaged_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let header = header(3);
        let len = header.crop.wide_len();
        let crop = |k: usize| -> Vec<u8> { (0..len).map(|i| (i * 7 + k * 31) as u8).collect() };
        let samples = [1u64, 2, 3].map(|timestamp_ms| Sample {
            timestamp_ms,
            ..Sample::default()
        });
        let mut writer = CacheWriter::create(&path, &header, &samples).unwrap();
        for k in 0..3 {
            assert!(!path.exists(), "no name before it is whole");
            writer.crops(&crop(2 * k), &crop(2 * k + 1)).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let cache = Cache::open(&path).unwrap();
        assert_eq!(cache.header, header);
        assert_eq!(cache.samples, samples);
        assert_eq!(cache.wide_crops(2), [crop(4), crop(5)]);
        let [left, _] = cache.crops(1);
        let (wide, size, pad) = (20, 16, 2);
        let at =
            |plane: usize, y: usize, x: usize| crop(2)[(plane * wide + y + pad) * wide + x + pad];
        for (plane, y, x) in [(0, 0, 0), (1, 3, 15), (2, 15, 15)] {
            assert_eq!(left[(plane * size + y) * size + x], at(plane, y, x));
        }
        let mut again = crop(2);
        header.crop.set_middle(&mut again, &left);
        assert_eq!(again, crop(2));

        let whole = fs::read(&path).unwrap();
        for cut in [0, 5, 12, 40, whole.len() / 2, whole.len() - 1] {
            assert!(Cache::parse(whole[..cut].to_vec()).is_err(), "{cut}");
        }
        for at in [0, 9, 100, whole.len() / 2, whole.len() - 40] {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&path, bytes).unwrap();
            let why = Cache::open(&path).unwrap_err().to_string();
            assert!(why.contains("prepare") && !why.contains('\n'), "{why}");
        }
    }
}
