use super::*;
use crate::identity::Identity;
use crate::maths::noise;

const CUTS: [Cut; 11] = [
    Cut::Bald,
    Cut::Buzz,
    Cut::Short,
    Cut::SidePart,
    Cut::Swept,
    Cut::Fringe,
    Cut::Afro,
    Cut::Bob,
    Cut::Long,
    Cut::Tied,
    Cut::Beanie,
];

fn wearing(seed: u64, cut: Cut) -> Head {
    let mut who = Identity::random(seed);
    let mut r = Rng::new(seed);
    who.style = Style::of(cut, seed % 2 == 1, &mut r);
    if matches!(cut, Cut::Fringe | Cut::Bob | Cut::Long) {
        // As low as any may hang.
        who.style.fringe = Some(FRINGE_LOWEST);
    }
    Head::new(who)
}

#[test]
fn the_same_seed_grows_the_same_hair() {
    let grown = |seed| format!("{:?}", Hair::new(&Head::new(Identity::random(seed))));
    assert_eq!(grown(31), grown(31));
    assert_ne!(grown(31), grown(32));
}

#[test]
fn no_cut_hangs_before_the_eyes() {
    for (i, cut) in CUTS.into_iter().enumerate() {
        for seed in [2 * i as u64 + 40, 2 * i as u64 + 41] {
            let head = wearing(seed, cut);
            let hair = Hair::new(&head);
            let mut body = Posed::default();
            head.pose(&Expression::default(), [0.0; 3], V3::ZERO, &mut body);
            let rings = Template::bundled().margins.iter();
            let opening: Vec<V3> = (rings.flatten())
                .map(|&v| body.positions[v as usize])
                .collect();
            // Seen from the front: how far from the nearest place of an opening.
            let clear = |p: V3| {
                let gap = |q: &V3| ((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y)).sqrt();
                let nearest = opening.iter().map(gap).fold(f32::MAX, f32::min);
                assert!(
                    p.z > 60.0 || nearest > 8.0,
                    "{cut:?} of {seed}: hair {nearest} mm from an eye's opening, at {p:?}"
                );
            };
            for shell in &hair.shells {
                let mut posed = PosedShell::default();
                shell.pose(&body, [0.0; 3], head.pivot, V3::ZERO, &mut posed);
                for (v, p) in shell.vertices.iter().zip(&posed.positions) {
                    if v.edge > 0.0 {
                        clear(*p);
                    }
                }
            }
            for w in &hair.wisps {
                let root = &hair.shells[0].vertices[w.vertex as usize];
                if root.on == shell::FREE {
                    (w.steps.iter()).fold(root.at, |p, s| {
                        clear(p + *s);
                        p + *s
                    });
                }
            }
        }
    }
}

/// Mean colour of what is seen of the hair, with `f` pixels for a radian.
fn mean_colour(cut: Cut, f: f32) -> V3 {
    let head = wearing(77, cut);
    let hair = Hair::new(&head);
    let shell = &hair.shells[0];
    let place = v3(0.0, 0.0, 600.0);
    let mut body = Posed::default();
    head.pose(&Expression::default(), [0.0; 3], place, &mut body);
    let mut posed = PosedShell::default();
    shell.pose(&body, [0.0; 3], head.pivot, place, &mut posed);
    let screen = gaze::screen::Screen::default();
    let lights = crate::room::Room::demo(&screen, 16, 12).lights;
    let shadow = crate::shadow::ShadowMap::default();
    let view = View {
        lights: &lights,
        shadow: &shadow,
        per_px: 1.0 / f,
    };
    let (mut sum, mut n) = (V3::ZERO, 0.0);
    for (i, t) in shell.triangles[..shell.inner].iter().enumerate() {
        let [a, b, c] = t.map(|v| posed.positions[v as usize]);
        let normal = (b - a).cross(c - a);
        let facing = -normal.dot(a.unit());
        if facing <= 0.0 {
            continue;
        }
        // A few places of each triangle, as much as it shows.
        for k in 0..3 {
            let u = 0.5 + 0.5 * noise(v3(i as f32 * 0.7, k as f32 * 0.9, 0.3));
            let b = [u * 0.5, (1.0 - u) * 0.5];
            if shell.covers(&posed, i, b[0], b[1]) {
                let c = shell.shade(&posed, &hair.tint, i, b, &view);
                sum += c * facing;
                n += facing;
            }
        }
    }
    sum / n
}

#[test]
fn from_afar_hair_keeps_its_colour() {
    for cut in [Cut::Short, Cut::Afro, Cut::Long] {
        let near = mean_colour(cut, 3000.0);
        let far = mean_colour(cut, 90.0);
        for (a, b) in [(near.x, far.x), (near.y, far.y), (near.z, far.z)] {
            assert!(
                (a - b).abs() < 0.06 * a,
                "{cut:?}: {near:?} near, {far:?} far"
            );
        }
    }
}
