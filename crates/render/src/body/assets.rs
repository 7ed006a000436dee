//! The packed MakeHuman head: mesh, shape targets, face units, masks.
//!
//! ASSETS.md says where each part comes from and its licence (CC0);
//! scripts/render/pack_assets.py makes the file and documents its layout.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::maths::{V3, v3};

/// What is wrong with an asset file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AssetError {
    /// Not made by scripts/render/pack_assets.py, or by another version of it.
    #[error("the head asset is not of version {VERSION}: run scripts/render/pack_assets.py again")]
    Version,
    /// The file ends too early or holds an index outside its own tables.
    #[error("the head asset is damaged at byte {0}: run scripts/render/pack_assets.py again")]
    Damaged(usize),
}

const VERSION: u32 = 1;
const UNIT_MM: f32 = 0.02;

/// One sparse, additive change of shape.
#[derive(Debug)]
pub struct Target {
    /// Which vertices move, and by how much at weight 1 (mm).
    pub deltas: Vec<(u16, V3)>,
}

/// Everything in the asset file. Frame: mm, x to the subject's left, y down,
/// z into the head, origin between the eyes of an average adult.
#[derive(Debug)]
pub struct Assets {
    /// The mesh's vertices, then one per joint.
    pub vertices: Vec<V3>,
    /// How many of `vertices` belong to the mesh.
    pub mesh_len: usize,
    /// Corners of each face.
    pub quads: Vec<[u16; 4]>,
    /// What each face belongs to: 0 body, 1–4 lash helpers, 5–6 teeth.
    pub groups: Vec<u8>,
    joints: HashMap<String, usize>,
    loops: HashMap<String, Vec<u16>>,
    masks: HashMap<String, Vec<u8>>,
    targets: HashMap<String, Target>,
}

impl Assets {
    /// The file that is compiled in.
    pub fn bundled() -> &'static Assets {
        static ASSETS: OnceLock<Assets> = OnceLock::new();
        ASSETS.get_or_init(|| {
            Assets::parse(include_bytes!("../../assets/heads.bin"))
                .expect("the bundled asset is checked by this crate's tests")
        })
    }

    /// Reads a file made by scripts/render/pack_assets.py.
    ///
    /// # Errors
    /// When the file is of another version, cut short or inconsistent.
    pub fn parse(bytes: &[u8]) -> Result<Assets, AssetError> {
        let mut r = Reader { bytes, at: 0 };
        if r.take(8)? != b"GAZEHEAD" || r.u32()? != VERSION {
            return Err(AssetError::Version);
        }
        let [mesh_len, n_quads, n_joints, n_loops, n_masks, n_targets] = {
            let mut n = [0usize; 6];
            for n in &mut n {
                *n = r.u32()? as usize;
            }
            n
        };
        let vertices = (0..mesh_len + n_joints)
            .map(|_| r.v3(UNIT_MM))
            .collect::<Result<Vec<_>, _>>()?;
        let mut quads = Vec::with_capacity(n_quads.min(bytes.len()));
        for _ in 0..n_quads {
            let mut q = [0; 4];
            for c in &mut q {
                *c = r.index(mesh_len)?;
            }
            quads.push(q);
        }
        let groups = r.take(n_quads)?.to_vec();
        let mut joints = HashMap::new();
        for i in 0..n_joints {
            joints.insert(r.name()?, mesh_len + i);
        }
        let mut loops = HashMap::new();
        for _ in 0..n_loops {
            let name = r.name()?;
            let n = r.u32()?;
            let ring = (0..n)
                .map(|_| r.index(mesh_len))
                .collect::<Result<_, _>>()?;
            loops.insert(name, ring);
        }
        let mut masks = HashMap::new();
        for _ in 0..n_masks {
            masks.insert(r.name()?, r.take(mesh_len)?.to_vec());
        }
        let mut targets = HashMap::new();
        for _ in 0..n_targets {
            let name = r.name()?;
            let unit = f32::from_le_bytes(r.array()?);
            let n = r.u32()?;
            let indices = (0..n)
                .map(|_| r.index(mesh_len + n_joints))
                .collect::<Result<Vec<_>, _>>()?;
            let deltas = indices
                .into_iter()
                .map(|i| Ok((i, r.v3(unit)?)))
                .collect::<Result<_, AssetError>>()?;
            targets.insert(name, Target { deltas });
        }
        if r.at != bytes.len() {
            return Err(AssetError::Damaged(r.at));
        }
        Ok(Assets {
            vertices,
            mesh_len,
            quads,
            groups,
            joints,
            loops,
            masks,
            targets,
        })
    }

    /// The vertex that stands for a joint. Panics on a name that is not in the asset.
    pub fn joint(&self, name: &str) -> usize {
        self.joints[name]
    }
    /// A ring of vertices around an eye: `{l,r}-{fold,margin,edge,skin}`, from
    /// the middle of the upper lid over the temple's corner to the lower lid and the nose's.
    pub fn ring(&self, name: &str) -> &[u16] {
        &self.loops[name]
    }
    /// A mask over the mesh's vertices, 0..=255.
    pub fn mask(&self, name: &str) -> &[u8] {
        &self.masks[name]
    }
    /// A shape target, if there is one of this name.
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.get(name)
    }
    /// The names of all targets, sorted.
    pub fn target_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.targets.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], AssetError> {
        let end = self.at.checked_add(n).ok_or(AssetError::Damaged(self.at))?;
        let part = self
            .bytes
            .get(self.at..end)
            .ok_or(AssetError::Damaged(self.at))?;
        self.at = end;
        Ok(part)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], AssetError> {
        let at = self.at;
        self.take(N)?
            .try_into()
            .map_err(|_| AssetError::Damaged(at))
    }
    fn u32(&mut self) -> Result<u32, AssetError> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    fn index(&mut self, limit: usize) -> Result<u16, AssetError> {
        let at = self.at;
        let i = u16::from_le_bytes(self.array()?);
        if usize::from(i) < limit {
            Ok(i)
        } else {
            Err(AssetError::Damaged(at))
        }
    }
    fn v3(&mut self, unit: f32) -> Result<V3, AssetError> {
        let [a, b, c, d, e, f] = self.array()?;
        let g = |lo, hi| f32::from(i16::from_le_bytes([lo, hi])) * unit;
        Ok(v3(g(a, b), g(c, d), g(e, f)))
    }
    fn name(&mut self) -> Result<String, AssetError> {
        let at = self.at;
        let n = usize::from(self.take(1)?[0]);
        String::from_utf8(self.take(n)?.to_vec()).map_err(|_| AssetError::Damaged(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../assets/heads.bin");

    #[test]
    fn the_bundled_file_holds_a_head() {
        let a = Assets::parse(FILE).unwrap();
        assert_eq!(a.quads.len(), a.groups.len());
        assert!(a.target("unit/eyeBlinkLeft").is_some());
        assert!(a.target_names().len() > 300);
        let (l, r) = (a.vertices[a.joint("l-eye")], a.vertices[a.joint("r-eye")]);
        assert!((l.x + r.x).abs() < 0.1 && l.x > 25.0);
        assert_eq!(a.ring("l-margin").len(), a.ring("r-skin").len());
    }

    #[test]
    fn a_cut_or_bent_file_is_refused() {
        for n in [0, 7, 11, 40, 5000, FILE.len() / 2, FILE.len() - 1] {
            assert!(Assets::parse(&FILE[..n]).is_err(), "{n} bytes");
        }
        let mut bent = FILE.to_vec();
        bent[8] = 9;
        assert_eq!(Assets::parse(&bent).unwrap_err(), AssetError::Version);
        let mut long = FILE.to_vec();
        long.push(0);
        assert!(Assets::parse(&long).is_err());
    }
}
