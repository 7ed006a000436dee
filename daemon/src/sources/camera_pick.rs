//! Which of the pairs of format and rate that a camera lists is used.

use super::OpenOptions;

/// How a camera lays out its bytes. No system's cameras have all of them.
#[allow(dead_code)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Nv12,
    Yuyv,
    /// What a Mac calls `2vuy`: [`Layout::Yuyv`] with the bytes of each pair swapped.
    Uyvy,
    Rgb,
    Bgr,
    Bgra,
    Mjpeg,
    Grey,
}

/// One pair that a camera offers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mode {
    pub width: u32,
    pub height: u32,
    /// Frames a second.
    pub fps: f64,
    pub layout: Layout,
}

/// The pair nearest to what is wished: 1280×720 at 30 a second unless told
/// otherwise. Too slow or too small weighs more than too fast or too large, and
/// a wish that was spoken outweighs one that was not.
pub(crate) fn pick(modes: &[Mode], options: &OpenOptions) -> Option<Mode> {
    let wish = (
        f64::from(options.width.unwrap_or(1280)),
        f64::from(options.height.unwrap_or(720)),
        options.fps.unwrap_or(30.0),
    );
    let spoken = |yes: bool| if yes { 10.0 } else { 1.0 };
    let size_weight = spoken(options.width.is_some() || options.height.is_some());
    let rate_weight = spoken(options.fps.is_some());
    let cost = |m: &Mode| {
        // Doublings, so that half and double are equally far.
        let wide = (f64::from(m.width) / wish.0).log2();
        let high = (f64::from(m.height) / wish.1).log2();
        let fast = (m.fps / wish.2).log2();
        let side = |d: f64| if d < 0.0 { -1.5 * d } else { d };
        // 29.97 is 30.
        let rate = if fast < -0.01 {
            -4.0 * fast
        } else {
            0.2 * fast.max(0.0)
        };
        let layout = match m.layout {
            Layout::Nv12 => 0.0,
            Layout::Yuyv | Layout::Uyvy => 0.01,
            Layout::Rgb | Layout::Bgr | Layout::Bgra => 0.02,
            // Costs milliseconds to unpack.
            Layout::Mjpeg => 0.05,
            // The networks were trained on colours.
            Layout::Grey => 0.5,
        };
        size_weight * (side(wide) + side(high)) + rate_weight * rate + layout
    };
    modes
        .iter()
        .filter(|m| {
            let sides = 1..=vision::frame::MAX_SIDE;
            sides.contains(&m.width)
                && sides.contains(&m.height)
                && m.fps.is_finite()
                && m.fps > 0.0
        })
        .min_by(|a, b| cost(a).total_cmp(&cost(b)))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(width: u32, height: u32, fps: f64, layout: Layout) -> Mode {
        Mode {
            width,
            height,
            fps,
            layout,
        }
    }

    /// What a common USB 2 webcam lists.
    fn webcam() -> Vec<Mode> {
        use Layout::*;
        vec![
            mode(640, 480, 30.0, Yuyv),
            mode(1280, 720, 10.0, Yuyv),
            mode(1920, 1080, 5.0, Yuyv),
            mode(640, 480, 30.0, Mjpeg),
            mode(1280, 720, 60.0, Mjpeg),
            mode(1280, 720, 30.0, Mjpeg),
            mode(1920, 1080, 30.0, Mjpeg),
        ]
    }

    #[test]
    fn the_rate_belongs_to_the_format() {
        let all = webcam();
        // 1280×720 exists in YUYV, and 30 a second does, but not as a pair.
        assert_eq!(pick(&all, &OpenOptions::default()), Some(all[5]));
        let raw: Vec<_> = all
            .iter()
            .copied()
            .filter(|m| m.layout == Layout::Yuyv)
            .collect();
        assert_eq!(
            pick(&raw, &OpenOptions::default()),
            Some(mode(640, 480, 30.0, Layout::Yuyv))
        );
    }

    #[test]
    fn wishes_count() {
        let all = webcam();
        let ask = |width, height, fps| {
            pick(
                &all,
                &OpenOptions {
                    width,
                    height,
                    fps,
                    ..OpenOptions::default()
                },
            )
        };
        assert_eq!(ask(Some(1920), Some(1080), None), Some(all[6]));
        assert_eq!(ask(Some(640), Some(480), None), Some(all[0]));
        assert_eq!(ask(None, None, Some(60.0)), Some(all[4]));
        assert_eq!(ask(Some(4000), Some(3000), None), Some(all[6]));
    }

    #[test]
    fn raw_beats_packed_and_nonsense_is_not_chosen() {
        let mut all = vec![
            mode(0, 0, 30.0, Layout::Nv12),
            mode(1280, 720, 0.0, Layout::Nv12),
        ];
        assert_eq!(pick(&all, &OpenOptions::default()), None);
        all.push(mode(1280, 720, 30.0, Layout::Mjpeg));
        all.push(mode(1280, 720, 30.0, Layout::Nv12));
        assert_eq!(pick(&all, &OpenOptions::default()), Some(all[3]));
        all[3].fps = 29.97;
        assert_eq!(pick(&all, &OpenOptions::default()), Some(all[3]));
    }
}
