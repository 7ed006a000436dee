use super::*;
use crate::crop::EyeCropSpec;
use crate::{ContactAnswer, ContactContract};

fn ours() -> Contract {
    Contract::ours(Kind::EyesPoseRay, &EyeCropSpec::default(), &[0.5], &[0.25])
}

fn all() -> [Contract; 5] {
    [
        ours(),
        ours().with_spread(),
        Contract::ours(
            Kind::EyesPoseScreen,
            &EyeCropSpec::default(),
            &[0.5],
            &[0.25],
        ),
        Contract::adas_0002(),
        Contract::l2cs("input", "yaw", "pitch"),
    ]
}

#[test]
fn what_is_written_is_read_again() {
    for contract in all() {
        contract.check().unwrap();
        assert_eq!(
            Contract::from_json(&contract.to_json(), "x"),
            Ok(contract.clone())
        );
        let written = contract.to_metadata();
        let get = |key: &str| {
            written
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, v)| v.clone())
        };
        assert_eq!(Contract::from_metadata(get), Ok(Some(contract)));
    }
    assert_eq!(Contract::from_metadata(|_| None), Ok(None));
}

#[test]
fn a_spread_is_named_by_a_later_version_which_older_programs_refuse() {
    let metadata = |c: &Contract| c.to_metadata().map(|(_, value)| value);
    let [_, version, json] = metadata(&ours());
    assert!(version == "1" && !json.contains("spread"), "{json}");
    let [_, version, json] = metadata(&ours().with_spread());
    assert!(
        version == "2" && json.contains(r#""spread":"spread""#),
        "{json}"
    );
}

#[test]
fn every_property_of_the_design_is_in_the_json() {
    let json: serde_json::Value = serde_json::from_str(&Contract::adas_0002().to_json()).unwrap();
    for path in [
        "/kind",
        "/version",
        "/inputs/left_eye",
        "/inputs/head_pose",
        "/outputs/gaze",
        "/layout",
        "/colour",
        "/crop/size",
        "/crop/scale",
        "/crop/level",
        "/normalisation/mean",
        "/normalisation/std",
        "/normalisation/range",
        "/pose/unit",
        "/pose/yaw",
        "/pose/pitch",
        "/pose/order",
        "/pose/roll",
        "/output/frame",
        "/output/axes/z",
    ] {
        assert!(json.pointer(path).is_some(), "{path}");
    }
}

#[test]
fn the_documents_examples_are_the_known_contracts() {
    let text = include_str!("../../../../models/README.md");
    let examples: Vec<&str> = text
        .split("```json\n")
        .skip(1)
        .filter_map(|t| t.split("```").next())
        .collect();
    let [adas, l2cs, contact] = examples[..] else {
        panic!("{} examples", examples.len());
    };
    assert_eq!(Contract::from_json(adas, "x"), Ok(Contract::adas_0002()));
    assert_eq!(
        Contract::from_json(l2cs, "x"),
        Ok(Contract::l2cs("input", "yaw", "pitch"))
    );
    assert_eq!(
        serde_json::from_str::<ContactContract>(contact).unwrap(),
        ContactContract::imagenet("face", "contact", 224, ContactAnswer::Logit)
    );
}

#[test]
fn known_foreign_files_need_no_side_car() {
    let port = |n: &str, s: &[i64]| (n.to_owned(), s.to_vec());
    let adas = [
        port("left_eye_image", &[1, 3, 60, 60]),
        port("right_eye_image", &[1, 3, 60, 60]),
        port("head_pose_angles", &[1, 3]),
    ];
    let vector = [port("gaze_vector", &[1, 3])];
    assert_eq!(Contract::known(&adas, &vector), Some(Contract::adas_0002()));
    assert_eq!(Contract::known(&adas[..2], &vector), None);
    let face = [port("input", &[-1, 3, 448, 448])];
    // The first output is the angle left–right, whatever it is called.
    let old = [port("pitch", &[-1, 90]), port("yaw", &[-1, 90])];
    assert_eq!(
        Contract::known(&face, &old),
        Some(Contract::l2cs("input", "pitch", "yaw"))
    );
    let other = [port("pitch", &[-1, 28]), port("yaw", &[-1, 28])];
    assert_eq!(Contract::known(&face, &other), None);
}

#[test]
fn a_contract_that_cannot_be_kept_is_refused_in_one_line() {
    type Spoil = fn(&mut Contract);
    let spoilt: [(&str, Spoil); 14] = [
        ("version", |c| c.version = "3".into()),
        ("outputs.spread", |c| {
            *c = c.clone().with_spread();
            c.version = "1".into();
        }),
        ("outputs.spread", |c| {
            *c = Contract::ours(Kind::EyesPoseScreen, &c.eye_crop(), &[0.5], &[0.25]).with_spread();
        }),
        ("inputs", |c| c.inputs.left_eye = None),
        ("inputs", |c| c.inputs.face = Some("face".into())),
        ("outputs", |c| c.outputs.gaze = None),
        ("crop.size", |c| c.crop.size = 0),
        ("crop.scale", |c| c.crop.scale = f32::NAN),
        ("crop.level", |c| c.crop.level = false),
        ("normalisation", |c| c.normalisation.std = vec![0.0]),
        ("normalisation", |c| c.normalisation.mean = vec![0.1, 0.2]),
        ("pose", |c| c.pose = None),
        ("pose", |c| c.inputs.head_pose = None),
        ("output", |c| c.output.axes = None),
    ];
    for (what, spoil) in spoilt {
        let mut contract = ours();
        spoil(&mut contract);
        let line = contract.check().unwrap_err().to_string();
        assert!(
            line.contains(what) && !line.contains('\n'),
            "{what}: {line}"
        );
    }
    let mut angles = Contract::l2cs("i", "y", "p");
    angles.output.levelled = true;
    assert!(angles.check().is_err());
}

#[test]
fn a_misspelt_key_and_another_kind_are_named() {
    let text = ours().to_json().replace("\"scale\"", "\"scael\"");
    let line = Contract::from_json(&text, "net.json")
        .unwrap_err()
        .to_string();
    assert!(
        line.contains("net.json") && line.contains("scael"),
        "{line}"
    );
    let kind = |key: &str| (key == KIND_KEY).then(|| "face-contact".to_owned());
    assert!(matches!(
        Contract::from_metadata(kind),
        Err(ContractError::NotGaze { .. })
    ));
    let other = |key: &str| match key {
        KIND_KEY => Some("face-angles".to_owned()),
        CONTRACT_KEY => Some(ours().to_json()),
        _ => None,
    };
    assert!(matches!(
        Contract::from_metadata(other),
        Err(ContractError::Contradiction { .. })
    ));
    let later = |key: &str| (key == VERSION_KEY).then(|| "9".to_owned());
    assert!(matches!(
        Contract::from_metadata(later),
        Err(ContractError::Version { .. })
    ));
}
