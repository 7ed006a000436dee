//! What must be known of an H.264 stream before it is decoded: its parameter sets.
//!
//! Syntax: ITU-T H.264, 7.3.2.1.1 (sequence parameter set), E.1.1 (VUI), and
//! ISO/IEC 14496-15, 5.3.3.1 (`avcC`).

use vision::YuvRange;

use super::error::Flaw;

/// More pixels than any level of H.264 has that the decoder takes (5.2): 36864
/// macroblocks of 16×16.
const MAX_MACROBLOCKS: u32 = 36_864;

/// The contents of an `avcC` box.
#[derive(Debug, Clone)]
pub(crate) struct AvcConfig {
    /// Bytes in each NAL unit's length field: 1, 2 or 4.
    pub length_bytes: usize,
    /// Sequence parameter sets, NAL header included.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets, NAL header included.
    pub pps: Vec<Vec<u8>>,
    /// What the first sequence parameter set says.
    pub stream: Stream,
}

/// What a sequence parameter set says of the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    /// Visible width, pixels.
    pub width: u32,
    /// Visible height, pixels.
    pub height: u32,
    /// Range of luma and chroma.
    pub range: YuvRange,
    /// Primaries, transfer and matrix as code points of ITU-T H.273, where it tells them.
    pub colours: Option<[u8; 3]>,
}

impl AvcConfig {
    pub fn parse(avcc: &[u8]) -> Result<Self, Flaw> {
        let short = || Flaw::damaged("its codec settings (avcC) are incomplete");
        let (&[version, _, _, _, lengths, sps_count], mut rest) =
            avcc.split_first_chunk::<6>().ok_or_else(short)?;
        if version != 1 {
            return Err(Flaw::damaged(
                "its codec settings (avcC) have an unknown version",
            ));
        }
        let length_bytes = usize::from(lengths & 3) + 1;
        if length_bytes == 3 {
            return Err(Flaw::damaged(
                "its codec settings (avcC) have an impossible length size",
            ));
        }
        let sps = parameter_sets(&mut rest, sps_count & 31).ok_or_else(short)?;
        let (&pps_count, after) = rest.split_first().ok_or_else(short)?;
        rest = after;
        let pps = parameter_sets(&mut rest, pps_count).ok_or_else(short)?;
        if pps.is_empty() {
            return Err(short());
        }
        let first = sps.first().ok_or_else(short)?;
        let stream = Stream::parse(first)?;
        for other in &sps[1..] {
            if Stream::parse(other)? != stream {
                return Err(Flaw::unsupported("its pictures change size midway"));
            }
        }
        Ok(AvcConfig {
            length_bytes,
            sps,
            pps,
            stream,
        })
    }
}

/// Takes `count` length-prefixed parameter sets off the front of `rest`.
fn parameter_sets(rest: &mut &[u8], count: u8) -> Option<Vec<Vec<u8>>> {
    (0..count)
        .map(|_| {
            let (n, after) = rest.split_first_chunk::<2>()?;
            let (set, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*n)))?;
            *rest = after;
            Some(set.to_vec())
        })
        .collect()
}

impl Stream {
    /// Reads a sequence parameter set and refuses what cannot be decoded.
    pub fn parse(nal: &[u8]) -> Result<Self, Flaw> {
        let damaged = || Flaw::damaged("its sequence parameter set is damaged");
        let (&header, body) = nal.split_first().ok_or_else(damaged)?;
        if header & 0x1F != 7 {
            return Err(damaged());
        }
        let raw = without_emulation(body);
        let mut b = Bits { data: &raw, at: 0 };
        b.sps().ok_or_else(damaged)?
    }
}

/// Removes the emulation prevention bytes (7.4.1): 00 00 03 → 00 00.
fn without_emulation(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &b in nal {
        if zeros >= 2 && b == 3 {
            zeros = 0;
            continue;
        }
        zeros = if b == 0 { zeros + 1 } else { 0 };
        out.push(b);
    }
    out
}

/// A bit reader; `None` past the end.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = *self.data.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    fn bits(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0, |v, _| Some(v << 1 | u32::from(self.bit()?)))
    }

    /// Unsigned Exp-Golomb (9.1).
    fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Signed Exp-Golomb (9.1.1).
    fn se(&mut self) -> Option<i32> {
        let k = i64::from(self.ue()?);
        i32::try_from(if k % 2 == 1 { (k + 1) / 2 } else { -(k / 2) }).ok()
    }

    fn scaling_list(&mut self, n: u32) -> Option<()> {
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..n {
            if next != 0 {
                next = (last + self.se()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
        Some(())
    }

    /// `None`: the bits run out. `Err`: a stream we cannot decode.
    fn sps(&mut self) -> Option<Result<Stream, Flaw>> {
        let profile = self.bits(8)?;
        self.bits(16)?; // constraint flags, level
        self.ue()?; // id
        let (mut chroma, mut depth) = (1, 8);
        if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
            chroma = self.ue()?;
            if chroma == 3 {
                self.bit()?;
            }
            depth = self.ue()?.max(self.ue()?).saturating_add(8);
            self.bit()?; // lossless bypass
            if self.bit()? {
                for i in 0..if chroma == 3 { 12 } else { 8 } {
                    if self.bit()? {
                        self.scaling_list(if i < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        self.ue()?; // log2_max_frame_num − 4
        match self.ue()? {
            0 => {
                self.ue()?;
            }
            1 => {
                self.bit()?;
                self.se()?;
                self.se()?;
                for _ in 0..self.ue()?.min(256) {
                    self.se()?;
                }
            }
            2 => {}
            _ => return None,
        }
        self.ue()?; // reference frames
        self.bit()?; // gaps allowed
        let wide = self.ue()?.checked_add(1)?;
        let high = self.ue()?.checked_add(1)?;
        let frames_only = self.bit()?;
        if !frames_only {
            self.bit()?;
        }
        self.bit()?; // direct 8×8
        let crop = if self.bit()? {
            [self.ue()?, self.ue()?, self.ue()?, self.ue()?]
        } else {
            [0; 4]
        };
        let (range, colours) = self.colours()?;

        if depth != 8 {
            return Some(Err(Flaw::unsupported(format!(
                "its pictures have {depth} bits a colour, not 8"
            ))));
        }
        if chroma != 1 {
            let name = ["grey (4:0:0)", "4:2:0", "4:2:2", "4:4:4"]
                .get(chroma as usize)
                .copied();
            return Some(Err(match name {
                Some(n) => Flaw::unsupported(format!("its colours are {n}, not 4:2:0")),
                None => return None,
            }));
        }
        if !frames_only {
            return Some(Err(Flaw::unsupported("it is interlaced")));
        }
        if !matches!(profile, 66 | 77 | 88 | 100) {
            return Some(Err(Flaw::unsupported(format!(
                "it has the H.264 profile {profile}; Baseline, Main and High are decoded"
            ))));
        }
        if wide.checked_mul(high).is_none_or(|n| n > MAX_MACROBLOCKS) {
            let [w, h] = [wide, high].map(|n| u64::from(n) * 16);
            return Some(Err(Flaw::new(
                super::ErrorKind::BadSize,
                format!(
                    "its pictures are {w}×{h}, more than the decoder takes (36864 macroblocks, 4096×2304)"
                ),
                "make it smaller: ffmpeg -i IN -vf scale=1280:-2 OUT.mp4",
            )));
        }
        let visible = |blocks: u32, a: u32, b: u32| {
            let cut = a.checked_add(b)?.checked_mul(2)?;
            (blocks * 16).checked_sub(cut).filter(|&n| n > 0)
        };
        match (
            visible(wide, crop[0], crop[1]),
            visible(high, crop[2], crop[3]),
        ) {
            (Some(width), Some(height)) => Some(Ok(Stream {
                width,
                height,
                range,
                colours,
            })),
            _ => None,
        }
    }

    /// Reads the VUI as far as the range of luma and chroma, and the colours.
    fn colours(&mut self) -> Option<(YuvRange, Option<[u8; 3]>)> {
        if !self.bit()? {
            return Some((YuvRange::Limited, None));
        }
        if self.bit()? && self.bits(8)? == 255 {
            self.bits(32)?; // sample aspect ratio, spelt out
        }
        if self.bit()? {
            self.bit()?; // overscan
        }
        if self.bit()? {
            self.bits(3)?; // video format
            let range = match self.bit()? {
                true => YuvRange::Full,
                false => YuvRange::Limited,
            };
            let colours = match self.bit()? {
                true => Some([self.bits(8)?, self.bits(8)?, self.bits(8)?].map(|c| c as u8)),
                false => None,
            };
            return Some((range, colours));
        }
        Some((YuvRange::Limited, None))
    }
}

/// Writes one sample (length-prefixed NAL units) as an Annex B byte stream into
/// `out`, after the parameter sets if `first`. Only the pictures' slices are kept.
pub(crate) fn to_annex_b(
    config: &AvcConfig,
    mut sample: &[u8],
    first: bool,
    out: &mut Vec<u8>,
) -> Result<(), Flaw> {
    const START: [u8; 4] = [0, 0, 0, 1];
    let damaged = |what: &str| Flaw::damaged(what.to_owned());
    out.clear();
    let mut push = |nal: &[u8]| {
        out.extend_from_slice(&START);
        out.extend_from_slice(nal);
    };
    if first {
        config
            .sps
            .iter()
            .chain(&config.pps)
            .for_each(|set| push(set));
    }
    let mut slices = 0;
    while !sample.is_empty() {
        let (head, rest) = sample
            .split_at_checked(config.length_bytes)
            .ok_or_else(|| damaged("its NAL units do not fill it"))?;
        let n = head.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
        let (nal, rest) = rest
            .split_at_checked(n)
            .ok_or_else(|| damaged("a NAL unit is longer than it"))?;
        sample = rest;
        match nal.first().map(|h| h & 0x1F) {
            Some(1 | 5) => {
                slices += 1;
                push(nal);
            }
            Some(2..=4) => return Err(Flaw::unsupported("it uses data partitioning")),
            // An `avc1` track keeps its parameter sets in the header; repeats are harmless.
            Some(7) if !config.sps.iter().any(|s| s == nal) => {
                return Err(Flaw::unsupported("it changes its codec settings midway"));
            }
            Some(8) if !config.pps.iter().any(|s| s == nal) => {
                return Err(Flaw::unsupported("it changes its codec settings midway"));
            }
            _ => {}
        }
    }
    if slices == 0 {
        Err(damaged("it holds no picture"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vision::{Frame, PixelFormat};

    use super::*;
    use crate::sources::{Next, OpenOptions, SourceSpec, open};

    const PATCHES: [[u8; 3]; 4] = [[200, 40, 40], [40, 170, 60], [50, 70, 210], [225, 215, 60]];

    /// Red, green and blue of a pixel, by what a stream tells of its luma and chroma: ITU-T
    /// H.273, 8.3, with Kr and Kb of its table 4.
    fn rgb(yuv: [u8; 3], matrix: u8, range: YuvRange) -> [f64; 3] {
        let (kr, kb) = match matrix {
            1 => (0.2126, 0.0722),
            5 | 6 => (0.299, 0.114),
            other => panic!("matrix {other}"),
        };
        let [y, u, v] = yuv.map(f64::from);
        let (y, u, v) = match range {
            YuvRange::Full => (y, u - 128.0, v - 128.0),
            YuvRange::Limited => (
                (y - 16.0) * 255.0 / 219.0,
                (u - 128.0) * 255.0 / 224.0,
                (v - 128.0) * 255.0 / 224.0,
            ),
        };
        let (r, b) = (y + 2.0 * (1.0 - kr) * v, y + 2.0 * (1.0 - kb) * u);
        [r, (y - kr * r - kb * b) / (1.0 - kr - kb), b]
    }

    #[test]
    fn a_clip_tells_players_the_colours_that_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let mut frame = Frame::default();
        frame.reset(128, 64, PixelFormat::Rgb8);
        for (i, pixel) in frame.data.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&PATCHES[i % 128 / 32]);
        }
        let mut picture = clips::Yuv::default();
        assert!(picture.take(&frame, 1280));
        // Every encoder that this system has.
        for (name, make) in clips::choice::encoders() {
            let mut encoder = make(30.0, 4_000_000).unwrap();
            let first = encoder.encode(&picture, 1_000_000_000, true).unwrap();
            let next = encoder.encode(&picture, 1_033_000_000, false).unwrap();
            assert_eq!((first.key, next.key), (true, false), "{name}");
            let parameters = encoder.parameters().unwrap();
            let told = Stream::parse(&parameters.sps).unwrap();
            let ours = clips::yuv::COLOURS;
            let codes = [ours.primaries, ours.transfer, ours.matrix];
            assert_eq!(told.colours, Some(codes), "{name}");
            assert_eq!(told.range == YuvRange::Full, ours.full_range, "{name}");

            let path = dir.path().join(format!("{name}.mp4"));
            let file = std::fs::File::create(&path).unwrap();
            let mut mux = clips::FragmentedMp4::begin(file, parameters).unwrap();
            mux.add(first).unwrap();
            mux.add(next).unwrap();
            mux.finish().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let at = bytes.windows(8).position(|w| w == b"colrnclx").unwrap();
            assert_eq!(bytes[at - 4..at], 19u32.to_be_bytes(), "{name}");
            let full = u8::from(ours.full_range) << 7;
            let boxed = [0, codes[0], 0, codes[1], 0, codes[2], full];
            assert_eq!(bytes[at + 8..at + 15], boxed, "{name}");

            // Read by what is told, it shows what was put in.
            let fast = OpenOptions {
                fast: true,
                ..OpenOptions::default()
            };
            let mut source = open(&SourceSpec::Path(path), &fast).unwrap();
            let mut shown = Frame::default();
            for _ in 0..2 {
                let next = source.next(&mut shown, Duration::from_secs(60));
                assert!(matches!(next, Ok(Next::Frame)), "{name}");
            }
            assert_eq!(shown.format, PixelFormat::I420);
            let (s, h) = (shown.stride, shown.height as usize);
            for (i, want) in PATCHES.iter().enumerate() {
                let (x, y) = (32 * i + 16, 32);
                let half = s.div_ceil(2);
                let at = s * h + y / 2 * half + x / 2;
                let v = at + half * h.div_ceil(2);
                let yuv = [shown.data[y * s + x], shown.data[at], shown.data[v]];
                let got = rgb(yuv, codes[2], told.range);
                let near = got
                    .iter()
                    .zip(want)
                    .all(|(a, b)| (a - f64::from(*b)).abs() < 8.0);
                assert!(near, "{name}: {got:?} of {want:?}");
            }
        }
    }
}
