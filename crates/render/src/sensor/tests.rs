use super::*;
use crate::maths::v3;

/// Where the light of a picture has its middle, against its corner.
fn centroid(p: &Picture) -> [f64; 2] {
    let mut sums = [0.0; 3];
    let ground = f64::from(p.rgb[1]);
    for (i, px) in p.rgb.chunks_exact(3).enumerate() {
        let w = f64::from(px[1]) - ground;
        let (x, y) = (i % p.width as usize, i / p.width as usize);
        for (s, v) in sums.iter_mut().zip([w * x as f64, w * y as f64, w]) {
            *s += v;
        }
    }
    [sums[0] / sums[2], sums[1] / sums[2]]
}

#[test]
fn neither_lens_nor_motion_shifts_a_point() {
    for seed in 0..6 {
        let mut sensor = Sensor {
            shot: 0.0,
            read: 0.0,
            vignette: 0.0,
            sharpen: 0.4 * (seed % 2) as f32,
            ..Sensor::random(seed)
        };
        for smear in [
            [0.0, 0.0],
            [7.3, 0.0],
            [-3.1, 4.6],
            [0.4, -11.0],
            [1.3, 0.7],
        ] {
            let mut light = vec![V3::splat(0.02); 96 * 72];
            light[36 * 96 + 47] = V3::splat(12.0);
            let mut picture = Picture::default();
            sensor.expose(&mut light, 96, 1, smear, &mut picture);
            let [x, y] = centroid(&picture);
            assert!(
                (x - 47.0).abs() < 0.02 && (y - 36.0).abs() < 0.02,
                "{seed} {smear:?}: {x} {y}"
            );
        }
    }
}

#[test]
fn exposure_and_white_balance_settle() {
    let mean = |strength: V3| {
        let mut light: Vec<V3> = (0..96 * 72)
            .map(|i| strength * (0.05 + 0.4 * (i % 96) as f32 / 96.0))
            .map(|c| c.times(strength / strength.y))
            .collect();
        let mut sensor = Sensor {
            white: strength,
            balance: 1.0,
            ..Sensor::default()
        };
        let mut picture = Picture::default();
        sensor.expose(&mut light, 96, 1, [0.0; 2], &mut picture);
        [0, 1, 2].map(|c| {
            picture
                .rgb
                .iter()
                .skip(c)
                .step_by(3)
                .map(|v| f64::from(*v))
                .sum::<f64>()
                / (96.0 * 72.0)
        })
    };
    let [day, dusk] = [v3(2.0, 2.0, 2.0), v3(0.2, 0.2, 0.2)].map(mean);
    assert!((day[1] - dusk[1]).abs() < 3.0, "{day:?} {dusk:?}");
    assert!((90.0..150.0).contains(&day[1]), "{day:?}");
    let black = mean(V3::splat(0.002));
    assert!(black[1] < 0.6 * day[1], "gain has an end: {black:?}");
}

#[test]
fn noise_grows_with_amplification_and_changes_with_the_frame() {
    let deviation = |strength: f32, frame: u64| {
        let mut light = vec![V3::splat(strength); 96 * 72];
        let mut picture = Picture::default();
        let mut sensor = Sensor {
            vignette: 0.0,
            sharpen: 0.0,
            ..Sensor::default()
        };
        sensor.expose(&mut light, 96, frame, [0.0; 2], &mut picture);
        let n = picture.rgb.len() as f64;
        let mean = picture.rgb.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let square = |v: &u8| (f64::from(*v) - mean) * (f64::from(*v) - mean);
        let d = (picture.rgb.iter().map(square).sum::<f64>() / n).sqrt();
        (d, picture)
    };
    let (bright, one) = deviation(1.0, 1);
    let (dim, _) = deviation(0.05, 1);
    assert!((0.6..3.5).contains(&bright), "{bright}");
    assert!(dim > 2.0 * bright, "{dim} {bright}");
    assert_ne!(one, deviation(1.0, 2).1);
    assert_eq!(one, deviation(1.0, 1).1);
}

#[test]
fn every_other_webcam_can_be_a_poor_one_that_overdraws_edges() {
    // How far beyond both sides of an edge its picture goes, in eight-bit steps.
    let overdrawn = |mut sensor: Sensor| {
        (sensor.shot, sensor.read, sensor.vignette) = (0.0, 0.0, 0.0);
        let side = |i: usize| if i % 96 < 48 { 0.18 } else { 0.3 };
        let mut light: Vec<V3> = (0..96 * 72).map(|i| V3::splat(side(i))).collect();
        let mut picture = Picture::default();
        sensor.expose(&mut light, 96, 1, [0.0; 2], &mut picture);
        let row: Vec<i32> = (0..96)
            .map(|x| i32::from(picture.rgb[3 * (36 * 96 + x) + 1]))
            .collect();
        let (least, most) = (row.iter().min().unwrap(), row.iter().max().unwrap());
        (row[4] - least) + (most - row[91])
    };
    let mut poor = Vec::new();
    for seed in 0..60 {
        let mut sensor = Sensor::random(seed);
        let softness = sensor.softness;
        sensor.make_poor(seed);
        if sensor.softness != softness {
            poor.push(overdrawn(sensor));
        }
    }
    assert!((18..=42).contains(&poor.len()), "{} of 60", poor.len());
    assert!(poor.iter().all(|steps| *steps > 1), "{poor:?}");
}
