//! OpenH264, with a tag on each picture.
//!
//! The safe wrapper of the crate hands pictures out in an order of its own and
//! without saying which is which, and can overwrite one picture with the next
//! within one call. The C interface carries a time stamp through: we put the
//! picture's number into it and get it back, so order and count can be proved.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::ptr::{addr_of_mut, null, null_mut};

use openh264::decoder::Decoder;
use openh264_sys2::{
    DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER, SBufferInfo, dsBitstreamError,
    dsDepLayerLost, dsNoParamSets, dsOutOfMemory, dsRefLost,
};

/// Most pictures the decoder holds back (the size of its own list).
pub(crate) const MOST_HELD: usize = 16;

/// A decoded picture, 4:2:0, borrowed from the decoder until its next call.
pub(crate) struct Picture<'a> {
    /// The tag given with the bytes it was made of.
    pub tag: u64,
    pub width: usize,
    pub height: usize,
    /// Luma, U, V.
    pub planes: [&'a [u8]; 3],
    /// Bytes from row to row of luma, and of U and V.
    pub strides: [usize; 2],
}

/// One decoder.
pub(crate) struct H264 {
    inner: Decoder,
}

impl H264 {
    pub fn new() -> Result<Self, String> {
        Ok(H264 {
            inner: Decoder::new().map_err(|e| e.to_string())?,
        })
    }

    /// Decodes one coded picture (Annex B) tagged `tag` and hands every picture
    /// that is ready now to `each`.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        tag: u64,
        each: &mut dyn FnMut(Picture),
    ) -> Result<(), String> {
        let length =
            c_int::try_from(bytes.len()).map_err(|_| "a picture of over 2 GB".to_owned())?;
        // The decoder only knows a picture is whole when the next begins, or when
        // it is called without bytes. Both calls can bring a picture.
        let first = self.call(bytes.as_ptr(), length, tag, each);
        let second = self.call(null(), 0, tag, each);
        first.and(second)
    }

    fn call(
        &mut self,
        bytes: *const u8,
        length: c_int,
        tag: u64,
        each: &mut dyn FnMut(Picture),
    ) -> Result<(), String> {
        let mut planes = [null_mut::<u8>(); 3];
        let mut info = SBufferInfo {
            uiInBsTimeStamp: tag,
            ..SBufferInfo::default()
        };
        // SAFETY: `bytes` is null with length 0 or points at `length` bytes that
        // live through the call; `planes` and `info` are of the types the call
        // fills; no decoder option is changed through the raw interface.
        let state = unsafe {
            self.inner.raw_api().decode_frame2(
                bytes,
                length,
                planes.as_mut_ptr(),
                addr_of_mut!(info),
            )
        };
        if info.iBufferStatus == 1 {
            hand_out(&planes, &info, each)?;
        }
        if state == 0 {
            Ok(())
        } else {
            Err(explain(state))
        }
    }

    /// Hands out the pictures still held back. Call at the end of the stream.
    pub fn flush(&mut self, each: &mut dyn FnMut(Picture)) -> Result<(), String> {
        // The empty call tells the decoder that the stream is over.
        self.call(null(), 0, 0, each)?;
        for _ in 0..=MOST_HELD {
            let mut held: c_int = 0;
            let mut planes = [null_mut::<u8>(); 3];
            let mut info = SBufferInfo::default();
            // SAFETY: the option is an int that is read; `planes` and `info` as in `call`.
            let state = unsafe {
                let api = self.inner.raw_api();
                api.get_option(
                    DECODER_OPTION_NUM_OF_FRAMES_REMAINING_IN_BUFFER,
                    addr_of_mut!(held).cast(),
                );
                if held <= 0 {
                    return Ok(());
                }
                api.flush_frame(planes.as_mut_ptr(), addr_of_mut!(info))
            };
            if state != 0 {
                return Err(explain(state));
            }
            if info.iBufferStatus == 1 {
                hand_out(&planes, &info, each)?;
            }
        }
        Ok(())
    }
}

/// Checks what the decoder says of its picture and lends it to `each`.
fn hand_out(
    planes: &[*mut u8; 3],
    info: &SBufferInfo,
    each: &mut dyn FnMut(Picture),
) -> Result<(), String> {
    // SAFETY: the union has one member.
    let buffer = unsafe { info.UsrData.sSystemBuffer };
    let size = |n: c_int| usize::try_from(n).ok().filter(|&n| n > 0 && n <= 1 << 14);
    let (Some(width), Some(height), Some(luma), Some(chroma)) = (
        size(buffer.iWidth),
        size(buffer.iHeight),
        size(buffer.iStride[0]),
        size(buffer.iStride[1]),
    ) else {
        return Err("the decoder gave a picture without a size".into());
    };
    let half = |n: usize| n.div_ceil(2);
    if planes.iter().any(|p| p.is_null()) || luma < width || chroma < half(width) {
        return Err("the decoder gave a picture without pixels".into());
    }
    // The last row is counted by its pixels only: what follows belongs to the padding.
    let bytes = |stride: usize, w: usize, h: usize| stride * (h - 1) + w;
    let chroma_bytes = bytes(chroma, half(width), half(height));
    // SAFETY: the decoder's planes hold `height` rows (chroma half) at these
    // strides, of which each holds the width; they stay until its next call,
    // and `each` cannot keep them longer than it runs.
    let planes = unsafe {
        [
            std::slice::from_raw_parts(planes[0], bytes(luma, width, height)),
            std::slice::from_raw_parts(planes[1], chroma_bytes),
            std::slice::from_raw_parts(planes[2], chroma_bytes),
        ]
    };
    each(Picture {
        tag: info.uiOutYuvTimeStamp,
        width,
        height,
        planes,
        strides: [luma, chroma],
    });
    Ok(())
}

/// The decoder's state bits in words.
fn explain(state: c_int) -> String {
    for (bit, words) in [
        (dsOutOfMemory, "the decoder has no memory left for it"),
        (
            dsNoParamSets,
            "its parameter sets are missing or not decodable",
        ),
        (dsRefLost, "a picture it builds upon is missing"),
        (dsDepLayerLost, "a layer it builds upon is missing"),
        (dsBitstreamError, "its bytes are damaged"),
    ] {
        if state & bit != 0 {
            return words.into();
        }
    }
    format!("the decoder refused it (state {state:#x})")
}
