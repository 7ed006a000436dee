//! NAL units of one picture, as encoders give them, into what an MP4 takes: each behind its
//! length in four bytes, parameter sets apart (ITU-T H.264, 7.4.1 and annex B; ISO/IEC
//! 14496-15, 5.3.3).

use crate::encode::{Coded, EncodeError, Parameters};

/// The units of one picture, sorted.
#[derive(Debug, Default)]
pub struct Units {
    data: Vec<u8>,
    key: bool,
    sps: Option<Vec<u8>>,
    pps: Option<Vec<u8>>,
}

impl Units {
    /// Takes in one unit, without start code or length. Slices and parameter sets are kept;
    /// delimiters and messages to decoders are not.
    pub fn add(&mut self, unit: &[u8]) {
        match unit.first().map(|b| b & 0x1F) {
            Some(7) => self.sps = Some(unit.to_vec()),
            Some(8) => self.pps = Some(unit.to_vec()),
            Some(kind @ (1 | 5)) => {
                self.key |= kind == 5;
                let length = (unit.len() as u32).to_be_bytes();
                self.data.extend_from_slice(&length);
                self.data.extend_from_slice(unit);
            }
            _ => {}
        }
    }

    /// Takes in units that each follow their length in `length_bytes` (1 to 4) bytes.
    ///
    /// # Errors
    /// They do not fill the bytes.
    pub fn add_prefixed(&mut self, bytes: &[u8], length_bytes: usize) -> Result<(), EncodeError> {
        let broken = || EncodeError::Missing("units that do not fill their picture");
        if !(1..=4).contains(&length_bytes) {
            return Err(broken());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let (head, after) = rest.split_at_checked(length_bytes).ok_or_else(broken)?;
            let length = head.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
            let (unit, after) = after.split_at_checked(length).ok_or_else(broken)?;
            self.add(unit);
            rest = after;
        }
        Ok(())
    }

    /// The picture of this time; where both parameter sets came with it, they are put into
    /// `parameters`, with its width and height.
    ///
    /// # Errors
    /// There is no picture, or no parameter sets have come yet.
    pub fn finish(
        self,
        at_ns: u64,
        (width, height): (usize, usize),
        parameters: &mut Option<Parameters>,
    ) -> Result<Coded, EncodeError> {
        if self.data.is_empty() {
            return Err(EncodeError::Missing("no picture"));
        }
        // The MP4's header has their first four bytes too.
        let sps = self.sps.filter(|s| s.len() >= 4);
        if let Some((sps, pps)) = sps.zip(self.pps) {
            *parameters = Some(Parameters {
                sps,
                pps,
                width: width as u32,
                height: height as u32,
            });
        }
        if parameters.is_none() {
            return Err(EncodeError::Missing("no parameter sets"));
        }
        Ok(Coded {
            at_ns,
            key: self.key,
            data: self.data,
        })
    }
}

/// A unit without the zeros and the one that begin it in a byte stream.
pub fn without_start_code(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().take_while(|b| **b == 0).count();
    match unit.get(zeros) {
        Some(1) if zeros >= 2 => &unit[zeros + 1..],
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: [u8; 5] = [0x67, 66, 0xC0, 31, 9];
    const PPS: [u8; 2] = [0x68, 0xCE];

    /// Units behind their lengths, of so many bytes.
    fn prefixed(units: &[&[u8]], length_bytes: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for unit in units {
            let length = (unit.len() as u32).to_be_bytes();
            out.extend_from_slice(&length[4 - length_bytes..]);
            out.extend_from_slice(unit);
        }
        out
    }

    #[test]
    fn slices_come_behind_four_bytes_and_parameter_sets_apart() {
        // A delimiter, both sets, a message, two slices of a key picture.
        let all: [&[u8]; 6] = [
            &[9, 0x10],
            &SPS,
            &PPS,
            &[6, 5, 1, 0],
            &[0x65, 1, 2],
            &[0x65, 3],
        ];
        for length_bytes in [1, 2, 4] {
            let mut units = Units::default();
            let bytes = prefixed(&all, length_bytes);
            units.add_prefixed(&bytes, length_bytes).unwrap();
            let mut parameters = None;
            let coded = units.finish(7, (640, 480), &mut parameters).unwrap();
            assert_eq!((coded.at_ns, coded.key), (7, true));
            assert_eq!(coded.data, [0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 2, 0x65, 3]);
            let p = parameters.clone().unwrap();
            assert_eq!((&p.sps[..], &p.pps[..]), (&SPS[..], &PPS[..]));
            assert_eq!((p.width, p.height), (640, 480));
            // A picture that depends on others, by byte stream; the sets stay known.
            let mut units = Units::default();
            units.add(without_start_code(&[0, 0, 0, 1, 0x41, 8]));
            let coded = units.finish(8, (640, 480), &mut parameters).unwrap();
            assert_eq!(
                (coded.key, &coded.data[..]),
                (false, &[0, 0, 0, 2, 0x41, 8][..])
            );
            assert_eq!(parameters, Some(p));
        }
    }

    #[test]
    fn what_is_cut_or_lacks_a_part_is_refused() {
        let bytes = prefixed(&[&[0x65, 1, 2], &[0x41, 3]], 4);
        for cut in [1, 3, 5, 6, 8, 12] {
            assert!(
                Units::default().add_prefixed(&bytes[..cut], 4).is_err(),
                "{cut}"
            );
        }
        assert!(Units::default().add_prefixed(&bytes, 0).is_err());
        assert!(
            Units::default()
                .add_prefixed(&[255, 255, 255, 255, 1], 4)
                .is_err()
        );
        let missing = |units: &[&[u8]]| {
            let mut sorted = Units::default();
            units.iter().for_each(|u| sorted.add(u));
            sorted
                .finish(0, (16, 16), &mut None)
                .unwrap_err()
                .to_string()
        };
        assert!(missing(&[&SPS, &PPS]).ends_with("no picture"));
        let without = "no parameter sets";
        assert!(missing(&[&[0x65, 1]]).ends_with(without));
        assert!(missing(&[&[0x65, 1], &SPS]).ends_with(without));
        assert!(missing(&[&[0x65, 1], &SPS[..3], &PPS]).ends_with(without));
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
