//! Pictures into an H.264 MP4, as a webcam's recorder would write it.

use std::io::{Cursor, Seek, Write};

use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, RateControlMode,
    UsageType,
};
use openh264::formats::{RgbSliceU8, YUVBuffer};
use openh264::{OpenH264API, Timestamp};

use crate::scene::Picture;

/// Why a clip could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoder refused a picture or its settings.
    #[error("H.264 encoder: {0}")]
    Encoder(#[from] openh264::Error),
    /// The container could not be written.
    #[error("MP4 file: {0}; is the disk full?")]
    Container(#[from] mp4::Error),
    /// The encoder gave no parameter sets with its first picture.
    #[error("H.264 encoder: no parameter sets in the first picture")]
    NoParameters,
    /// Pictures of one clip have one size.
    #[error("a picture of {got:?} in a clip of {want:?} pixels")]
    Size {
        /// Width and height of the clip.
        want: (u32, u32),
        /// Width and height of the picture.
        got: (u32, u32),
    },
}

/// Writes one clip, picture by picture.
pub struct ClipWriter<W: Write + Seek> {
    encoder: Encoder,
    size: (u32, u32),
    fps: u32,
    frames: u64,
    out: Option<W>,
    container: Option<mp4::Mp4Writer<W>>,
}

impl<W: Write + Seek> ClipWriter<W> {
    /// A clip of `fps` pictures a second at about `bits` a second.
    pub fn new(out: W, size: (u32, u32), fps: u32, bits: u32) -> Result<Self, EncodeError> {
        let config = EncoderConfig::new()
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::High)
            .rate_control_mode(RateControlMode::Bitrate)
            .bitrate(BitRate::from_bps(bits))
            .max_frame_rate(FrameRate::from_hz(fps as f32))
            .skip_frames(false)
            .num_threads(1)
            .intra_frame_period(IntraFramePeriod::from_num_frames(5 * fps));
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
        Ok(ClipWriter {
            encoder,
            size,
            fps,
            frames: 0,
            out: Some(out),
            container: None,
        })
    }

    /// Adds the next picture.
    pub fn add(&mut self, picture: &Picture) -> Result<(), EncodeError> {
        let got = (picture.width, picture.height);
        if got != self.size {
            return Err(EncodeError::Size {
                want: self.size,
                got,
            });
        }
        let size = (got.0 as usize, got.1 as usize);
        let yuv = YUVBuffer::from_rgb8_source(RgbSliceU8::new(&picture.rgb, size));
        let at = Timestamp::from_millis(self.frames * 1000 / u64::from(self.fps));
        let (mut sample, mut sps, mut pps, mut sync) = (Vec::new(), None, None, false);
        {
            let stream = self.encoder.encode_at(&yuv, at)?;
            for layer in (0..stream.num_layers()).filter_map(|i| stream.layer(i)) {
                for unit in (0..layer.nal_count()).filter_map(|i| layer.nal_unit(i)) {
                    let unit = without_start_code(unit);
                    match unit.first().map(|b| b & 0x1F) {
                        Some(7) => sps = Some(unit.to_vec()),
                        Some(8) => pps = Some(unit.to_vec()),
                        Some(kind) => {
                            sync |= kind == 5;
                            sample.extend_from_slice(&(unit.len() as u32).to_be_bytes());
                            sample.extend_from_slice(unit);
                        }
                        None => {}
                    }
                }
            }
        }
        if let Some(out) = self.out.take() {
            let (sps, pps) = sps.zip(pps).ok_or(EncodeError::NoParameters)?;
            self.container = Some(begin(out, self.size, self.fps, sps, pps)?);
        }
        if let Some(container) = &mut self.container {
            container.write_sample(
                1,
                &mp4::Mp4Sample {
                    start_time: self.frames,
                    duration: 1,
                    rendering_offset: 0,
                    is_sync: sync,
                    bytes: sample.into(),
                },
            )?;
        }
        self.frames += 1;
        Ok(())
    }

    /// Completes the file.
    pub fn finish(self) -> Result<W, EncodeError> {
        let mut container = self.container.ok_or(EncodeError::NoParameters)?;
        container.write_end()?;
        Ok(container.into_writer())
    }
}

fn begin<W: Write + Seek>(
    out: W,
    size: (u32, u32),
    fps: u32,
    sps: Vec<u8>,
    pps: Vec<u8>,
) -> Result<mp4::Mp4Writer<W>, EncodeError> {
    let brand = |b: &[u8; 4]| mp4::FourCC { value: *b };
    let config = mp4::Mp4Config {
        major_brand: brand(b"isom"),
        minor_version: 512,
        compatible_brands: vec![
            brand(b"isom"),
            brand(b"iso2"),
            brand(b"avc1"),
            brand(b"mp41"),
        ],
        timescale: fps,
    };
    let mut container = mp4::Mp4Writer::write_start(out, &config)?;
    container.add_track(&mp4::TrackConfig {
        track_type: mp4::TrackType::Video,
        timescale: fps,
        language: "und".into(),
        media_conf: mp4::MediaConfig::AvcConfig(mp4::AvcConfig {
            width: size.0 as u16,
            height: size.1 as u16,
            seq_param_set: sps,
            pic_param_set: pps,
        }),
    })?;
    Ok(container)
}

/// A unit without the zeros and the one that begin it in a byte stream.
fn without_start_code(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().take_while(|b| **b == 0).count();
    match unit.get(zeros) {
        Some(1) if zeros >= 2 => &unit[zeros + 1..],
        _ => unit,
    }
}

/// A clip in memory, for tests.
pub fn in_memory(pictures: &[Picture], fps: u32, bits: u32) -> Result<Vec<u8>, EncodeError> {
    let size = pictures.first().map_or((0, 0), |p| (p.width, p.height));
    let mut clip = ClipWriter::new(Cursor::new(Vec::new()), size, fps, bits)?;
    for picture in pictures {
        clip.add(picture)?;
    }
    Ok(clip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_holds_every_picture() {
        let pictures: Vec<Picture> = (0..12u8)
            .map(|i| Picture {
                width: 64,
                height: 48,
                rgb: vec![i * 20; 64 * 48 * 3],
            })
            .collect();
        let file = in_memory(&pictures, 30, 500_000).unwrap();
        let length = file.len() as u64;
        let read = mp4::Mp4Reader::read_header(Cursor::new(file), length).unwrap();
        let track = &read.tracks()[&1];
        assert_eq!(
            (track.sample_count(), track.width(), track.height()),
            (12, 64, 48)
        );
    }

    #[test]
    fn another_size_is_refused() {
        let picture = |width| Picture {
            width,
            height: 48,
            rgb: vec![9; width as usize * 48 * 3],
        };
        let error = in_memory(&[picture(64), picture(32)], 30, 500_000).unwrap_err();
        assert!(matches!(
            error,
            EncodeError::Size {
                want: (64, 48),
                got: (32, 48)
            }
        ));
    }

    #[test]
    fn start_codes_of_both_lengths_go() {
        assert_eq!(without_start_code(&[0, 0, 0, 1, 7]), [7]);
        assert_eq!(
            without_start_code(&[0, 0, 1, 0x65, 0, 0, 1]),
            [0x65, 0, 0, 1]
        );
        assert_eq!(without_start_code(&[0x41, 0]), [0x41, 0]);
    }
}
