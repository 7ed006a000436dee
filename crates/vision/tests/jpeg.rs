//! JPEGs of the kinds that cameras send, unpacked as they are, against the decoder of all kinds.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use vision::frame::YuvRange;
use vision::jpeg::Decoder;
use vision::{Frame, PixelFormat, jpeg};

/// A picture of soft colours: what halved chroma loses of it is little.
fn colours(width: usize, height: usize) -> Vec<u8> {
    let wave = |v: usize, k: f64| 128.0 + 90.0 * (v as f64 * k).sin();
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let grain = ((x * 7 + y * 13) % 11) as f64;
            rgb.extend(
                [wave(x, 0.05), wave(y, 0.04), wave(x + y, 0.03)].map(|v| (v + grain) as u8),
            );
        }
    }
    rgb
}

fn encoded(width: usize, height: usize, sampling: SamplingFactor, restart: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 85);
    encoder.set_sampling_factor(sampling);
    if restart > 0 {
        encoder.set_restart_interval(restart);
    }
    let (w, h) = (width as u16, height as u16);
    let rgb = colours(width, height);
    encoder.encode(&rgb, w, h, ColorType::Rgb).unwrap();
    bytes
}

/// Red, green and blue at a place of an I420 frame of full range.
fn rgb_of(frame: &Frame, x: usize, y: usize) -> [f64; 3] {
    let (stride, h) = (frame.stride, frame.height as usize);
    let at = stride * h + y / 2 * (stride / 2) + x / 2;
    let value = |at: usize| f64::from(frame.data[at]);
    let luma = value(y * stride + x);
    let [blue, red] = [at, at + stride / 2 * h.div_ceil(2)].map(|at| value(at) - 128.0);
    // ITU-R BT.601, as JFIF has it.
    [
        luma + 1.402 * red,
        luma - 0.344_136 * blue - 0.714_136 * red,
        luma + 1.772 * blue,
    ]
}

/// How far off colours and brightness are, root mean squares.
fn apart(planes: &Frame, rgb: &Frame) -> [f64; 2] {
    let (w, h) = (rgb.width as usize, rgb.height as usize);
    let (mut colour, mut light) = (0.0, 0.0);
    for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
        let should = &rgb.data[3 * (y * w + x)..][..3];
        let off: Vec<f64> = rgb_of(planes, x, y)
            .iter()
            .zip(should)
            .map(|(a, b)| a.clamp(0.0, 255.0) - f64::from(*b))
            .collect();
        colour += off.iter().map(|v| v * v).sum::<f64>() / 3.0;
        light += (0.299 * off[0] + 0.587 * off[1] + 0.114 * off[2]).powi(2);
    }
    [colour, light].map(|sum| (sum / (w * h) as f64).sqrt())
}

#[test]
fn a_camera_s_pictures_are_the_same_in_planes_as_in_colours() {
    let (mut planes, mut rgb) = (Frame::default(), Frame::default());
    for sampling in [SamplingFactor::R_4_2_0, SamplingFactor::R_4_2_2] {
        for (w, h) in [(640, 360), (320, 180), (33, 17), (16, 16), (15, 9), (1, 1)] {
            for restart in [0, 1, 7] {
                let bytes = encoded(w, h, sampling, restart);
                jpeg::decode(&bytes, &mut planes).unwrap();
                jpeg::decode_rgb(&bytes, &mut rgb).unwrap();
                let what = format!("{w}×{h} {sampling:?} {restart}");
                assert_eq!(planes.format, PixelFormat::I420, "{what}");
                assert_eq!(planes.range, YuvRange::Full);
                assert!(planes.is_sound(), "{what}");
                assert_eq!((planes.width, planes.height), (w as u32, h as u32));
                let [colour, light] = apart(&planes, &rgb);
                assert!(colour < 2.5 && light < 0.7, "{what}: {colour} {light}");
            }
        }
    }
}

#[test]
fn other_kinds_are_unpacked_to_colours_or_grey() {
    let mut frame = Frame::default();
    for sampling in [SamplingFactor::R_4_4_4, SamplingFactor::R_4_4_0] {
        jpeg::decode(&encoded(40, 24, sampling, 0), &mut frame).unwrap();
        assert_eq!(frame.format, PixelFormat::Rgb8, "{sampling:?}");
    }
    let mut progressive = Vec::new();
    let mut encoder = Encoder::new(&mut progressive, 85);
    encoder.set_progressive(true);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    let rgb = colours(40, 24);
    encoder.encode(&rgb, 40, 24, ColorType::Rgb).unwrap();
    jpeg::decode(&progressive, &mut frame).unwrap();
    assert_eq!(frame.format, PixelFormat::Rgb8);
    let mut grey = Vec::new();
    let luma = &rgb[..40 * 24];
    Encoder::new(&mut grey, 85)
        .encode(luma, 40, 24, ColorType::Luma)
        .unwrap();
    jpeg::decode(&grey, &mut frame).unwrap();
    assert_eq!(frame.format, PixelFormat::Gray8);
}

/// Without its Huffman tables, which are those that a camera may leave out.
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    let mut at = 2;
    while jpeg[at + 1] != 0xDA {
        let n = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != 0xC4 {
            out.extend_from_slice(&jpeg[at..at + n]);
        }
        at += n;
    }
    out.extend_from_slice(&jpeg[at..]);
    out
}

#[test]
fn tables_that_are_implied_give_the_same_planes() {
    let whole = encoded(64, 48, SamplingFactor::R_4_2_2, 0);
    let bare = without_tables(&whole);
    assert!(bare.len() + 400 < whole.len());
    let (mut with, mut without) = (Frame::default(), Frame::default());
    let mut decoder = Decoder::default();
    decoder.decode_motion(&whole, &mut with).unwrap();
    decoder.decode_motion(&bare, &mut without).unwrap();
    assert_eq!(without.format, PixelFormat::I420);
    assert!(with.data == without.data);
    // Those of the picture before it are not meant.
    assert!(decoder.decode(&bare, &mut without).is_err());
}

/// The same picture with its Huffman tables in each other's places.
fn exchanged(jpeg: &[u8]) -> Vec<u8> {
    let mut out = jpeg.to_vec();
    let mut at = 2;
    while out[at + 1] != 0xDA {
        let end = at + 2 + usize::from(u16::from_be_bytes([out[at + 2], out[at + 3]]));
        let mut table = at + 4;
        while out[at + 1] == 0xC4 && table < end {
            out[table] ^= 1;
            let symbols: usize = out[table + 1..table + 17].iter().map(|n| *n as usize).sum();
            table += 17 + symbols;
        }
        at = end;
    }
    assert_eq!(out[at + 4], 3, "components");
    for component in [6, 8, 10] {
        out[at + component] ^= 0x11;
    }
    out
}

#[test]
fn tables_that_are_kept_are_those_of_the_picture() {
    let plain = encoded(64, 48, SamplingFactor::R_4_2_0, 0);
    let other = exchanged(&plain);
    assert_ne!(plain, other);
    let should = decoded(&plain);
    assert_eq!(should.format, PixelFormat::I420);
    let mut decoder = Decoder::default();
    let mut frame = Frame::default();
    for _ in 0..2 {
        for bytes in [&plain, &other, &other, &plain] {
            decoder.decode(bytes, &mut frame).unwrap();
            assert_eq!((frame.format, &frame.data), (should.format, &should.data));
        }
        // Damaged tables leave nothing behind.
        let mut damaged = plain.clone();
        let at = plain.windows(2).position(|w| w == [0xFF, 0xC4]).unwrap();
        damaged[at + 5..at + 9].fill(255);
        assert!(decoder.decode(&damaged, &mut frame).is_err());
    }
}

#[test]
fn what_is_cut_is_no_picture_and_what_is_damaged_harms_nobody() {
    let whole = encoded(48, 32, SamplingFactor::R_4_2_0, 2);
    let mut frame = Frame::default();
    let scan = whole.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap() + 14;
    for n in 0..whole.len() {
        assert!(jpeg::decode(&whole[..n], &mut frame).is_err(), "{n}");
        // The same with an end put to it: what is missing is not made up.
        let mut ended = whole[..n].to_vec();
        ended.extend([0xFF, 0xD9]);
        let said = jpeg::decode(&ended, &mut frame);
        assert_eq!(said.is_ok(), n + 2 >= whole.len(), "{n}");
        if n >= scan {
            assert!(said.is_ok() || said == Err("it ends too early".into()));
        }
    }
    let mut random = 7u64;
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..4000 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = random as usize % bytes.len();
            bytes[at] ^= 1 << (random >> 40 & 7);
        }
        match jpeg::decode(&bytes, &mut frame) {
            Ok(()) => {
                assert!(frame.is_sound());
                taken += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && taken > 100, "{refused} {taken}");
}

fn decoded(bytes: &[u8]) -> Frame {
    let mut frame = Frame::default();
    jpeg::decode(bytes, &mut frame).unwrap();
    frame
}

#[test]
fn legal_endings_are_no_reason_to_decode_twice() {
    let plain = encoded(40, 24, SamplingFactor::F_2_2, 1);
    let should = decoded(&plain);
    assert_eq!(should.format, PixelFormat::I420);
    let (body, end) = plain.split_at(plain.len() - 2);
    assert_eq!(end, [0xFF, 0xD9]);
    // Three by two units, so five restarts; the next one would be the sixth.
    let restart = [0xFF, 0xD0];
    let at = plain.windows(2).position(|w| w == restart).unwrap();
    let filled = [&plain[..at], &[0xFF, 0xFF], &plain[at..]].concat();
    let last = [body, &[0xFF, 0xD5], end].concat();
    for other in [filled, [body, &[0xFF], end].concat(), last] {
        let is = decoded(&other);
        assert_eq!((is.format, &is.data), (should.format, &should.data));
    }
    // A restart that is not the next one is damage: as the decoder of all kinds has it.
    let wrong = [body, &[0xFF, 0xD3], end].concat();
    let mut frame = Frame::default();
    assert!(jpeg::decode(&wrong, &mut frame).is_err() || frame.format == PixelFormat::Rgb8);
}

#[test]
fn colours_that_are_no_luma_and_chroma_are_left_to_the_decoder_of_all_kinds() {
    let plain = encoded(40, 24, SamplingFactor::F_2_2, 0);
    for (transform, format) in [(0, PixelFormat::Rgb8), (1, PixelFormat::I420)] {
        let says = [b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat();
        let segment = [&[0xFF, 0xEE, 0, 14], &says[..]].concat();
        let bytes = [&plain[..2], &segment, &plain[2..]].concat();
        assert_eq!(decoded(&bytes).format, format, "{transform}");
    }
}

#[test]
fn quanta_of_sixteen_bits_are_left_to_the_decoder_of_all_kinds() {
    let plain = encoded(40, 24, SamplingFactor::F_2_2, 0);
    let mut wide = plain[..2].to_vec();
    let mut at = 2;
    while plain[at + 1] != 0xDA {
        let n = 2 + usize::from(u16::from_be_bytes([plain[at + 2], plain[at + 3]]));
        let segment = &plain[at..at + n];
        at += n;
        if segment[1] != 0xDB {
            wide.extend_from_slice(segment);
            continue;
        }
        for table in segment[4..].chunks_exact(65) {
            wide.extend([0xFF, 0xDB, 0, 131, 0x10 | table[0]]);
            wide.extend(table[1..].iter().flat_map(|q| [0, *q]));
        }
    }
    wide.extend_from_slice(&plain[at..]);
    let (frame, mut should) = (decoded(&wide), Frame::default());
    jpeg::decode_rgb(&plain, &mut should).unwrap();
    assert_eq!(frame.format, PixelFormat::Rgb8);
    assert!(frame.data == should.data);
    // One that is cut is none.
    let at = wide.windows(2).position(|w| w == [0xFF, 0xDB]).unwrap();
    wide[at + 3] -= 1;
    wide.remove(at + 131);
    let mut frame = Frame::default();
    assert!(jpeg::decode(&wide, &mut frame).is_err());
}

/// Says that it is so large.
fn says(mut jpeg: Vec<u8>, frame: u8, width: u16, height: u16) -> Vec<u8> {
    let at = jpeg.windows(2).position(|w| w == [0xFF, frame]).unwrap();
    jpeg[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

#[test]
fn few_bytes_ask_for_no_large_frame() {
    let flat = |side: u16, colour: ColorType, progressive: bool| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 85);
        encoder.set_progressive(progressive);
        encoder.set_optimized_huffman_tables(progressive);
        let size = usize::from(side).pow(2) * if colour == ColorType::Luma { 1 } else { 3 };
        encoder.encode(&vec![77; size], side, side, colour).unwrap();
        bytes
    };
    // What is least of a real picture.
    let mut frame = Frame::default();
    for (colour, progressive) in [
        (ColorType::Luma, false),
        (ColorType::Luma, true),
        (ColorType::Rgb, true),
    ] {
        let bytes = flat(1024, colour, progressive);
        jpeg::decode(&bytes, &mut frame).unwrap();
        assert_eq!((frame.width, frame.height), (1024, 1024));
        let kind = if progressive { 0xC2 } else { 0xC0 };
        let large = says(flat(64, colour, progressive), kind, 8192, 8192);
        let mut frame = Frame::default();
        let said = jpeg::decode(&large, &mut frame).unwrap_err();
        assert!(said.ends_with("bytes are too few for 8192×8192"), "{said}");
        assert_eq!(frame.data.capacity(), 0);
    }
    let common = says(encoded(64, 48, SamplingFactor::F_2_2, 0), 0xC0, 8192, 8192);
    let mut frame = Frame::default();
    let said = jpeg::decode(&common, &mut frame);
    assert_eq!(said, Err("it ends too early".into()));
    assert_eq!(frame.data.capacity(), 0);
}
