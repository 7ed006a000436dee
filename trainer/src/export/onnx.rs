//! The messages of an ONNX file (onnx.proto, IR version 8), declared by hand:
//! only the fields that are written here, with that file's numbers.

use prost::Message;

/// Opset: the newest that every runtime of the last years takes.
pub const OPSET: i64 = 17;
/// Version of the file format that goes with it.
pub const IR_VERSION: i64 = 8;

/// A file.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(string, tag = "2")]
    pub producer_name: String,
    #[prost(string, tag = "3")]
    pub producer_version: String,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OpsetId>,
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
pub struct OpsetId {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<Value>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int64, tag = "3")]
    pub i: i64,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    pub kind: i32,
}

impl Attribute {
    pub fn int(name: &str, i: i64) -> Attribute {
        Attribute {
            name: name.into(),
            i,
            ints: Vec::new(),
            kind: 2,
        }
    }

    pub fn ints(name: &str, ints: &[i64]) -> Attribute {
        Attribute {
            name: name.into(),
            i: 0,
            ints: ints.to_vec(),
            kind: 7,
        }
    }
}

/// Element types of [`Tensor`] and [`TensorType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Element {
    F32 = 1,
    U8 = 2,
    I8 = 3,
    I32 = 6,
    I64 = 7,
    F16 = 10,
}

#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(string, tag = "8")]
    pub name: String,
    /// Little-endian, whatever the machine.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
}

impl Tensor {
    fn new(name: &str, dims: &[usize], element: Element, raw_data: Vec<u8>) -> Tensor {
        Tensor {
            dims: dims.iter().map(|d| *d as i64).collect(),
            data_type: element as i32,
            name: name.into(),
            raw_data,
        }
    }

    pub fn f32(name: &str, dims: &[usize], values: &[f32]) -> Tensor {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Tensor::new(name, dims, Element::F32, raw)
    }

    /// Rounded to half precision.
    pub fn f16(name: &str, dims: &[usize], values: &[f32]) -> Tensor {
        let half = |v: &f32| half::f16::from_f32(*v).to_le_bytes();
        Tensor::new(
            name,
            dims,
            Element::F16,
            values.iter().flat_map(half).collect(),
        )
    }

    pub fn i8(name: &str, dims: &[usize], values: &[i8]) -> Tensor {
        let raw = values.iter().map(|v| *v as u8).collect();
        Tensor::new(name, dims, Element::I8, raw)
    }

    pub fn u8(name: &str, dims: &[usize], values: &[u8]) -> Tensor {
        Tensor::new(name, dims, Element::U8, values.to_vec())
    }

    pub fn i32(name: &str, dims: &[usize], values: &[i32]) -> Tensor {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Tensor::new(name, dims, Element::I32, raw)
    }

    pub fn i64(name: &str, dims: &[usize], values: &[i64]) -> Tensor {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Tensor::new(name, dims, Element::I64, raw)
    }
}

/// An input or output with its type.
#[derive(Clone, PartialEq, Message)]
pub struct Value {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub kind: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Type {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

impl Value {
    /// Floats: a batch of any length, and `dims` behind it.
    pub fn batch(name: &str, dims: &[usize]) -> Value {
        let any = Dimension {
            dim_value: None,
            dim_param: Some("batch".into()),
        };
        let fixed = dims.iter().map(|d| Dimension {
            dim_value: Some(*d as i64),
            dim_param: None,
        });
        Value {
            name: name.into(),
            kind: Some(Type {
                tensor_type: Some(TensorType {
                    elem_type: Element::F32 as i32,
                    shape: Some(Shape {
                        dim: std::iter::once(any).chain(fixed).collect(),
                    }),
                }),
            }),
        }
    }
}
