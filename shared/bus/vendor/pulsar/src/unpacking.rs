//! Not part of the released crate: payloads are unpacked within limits.
//!
//! The released crate unpacks whatever comes, so a small message may become gigabytes; and of what it cannot unpack it
//! gives an error without a message id, so that it can never be acknowledged. Here both are handed out as a message of
//! their own, cut short, whose property [`NOT_UNPACKED`] says why.

use std::io::Read;

use crate::{
    consumer::batched_message_iterator::BatchedMessageIterator,
    message::{
        proto::{KeyValue, MessageIdData},
        Metadata,
    },
    proto::CompressionType,
    Payload,
};

/// Most bytes of one message, packed or unpacked; of an entry so many for each message in it.
pub const MESSAGE_MAX: usize = 64 * 1024;
/// Most bytes of one entry, packed or unpacked.
pub const ENTRY_MAX: usize = 5 * 1024 * 1024;
/// Most messages in one entry: what the official clients put into one.
pub const BATCH_MAX: i32 = 1_000;
/// Most bytes of metadata: properties, keys, names.
pub const METADATA_MAX: usize = 16 * 1024;
/// The property of a message that was not unpacked; its value is the reason.
pub const NOT_UNPACKED: &str = "__not_unpacked";
/// So much of a message that is not unpacked is kept, in bytes.
pub const KEPT: usize = 256;
/// Largest window of zstd, as a power of two: what its levels up to 19 use.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The payload as it came, or its first bytes and a note.
pub(crate) fn within_limits(mut metadata: Metadata, metadata_bytes: usize, data: &[u8]) -> Payload {
    let most = limit(&metadata);
    let reason = if metadata_bytes > METADATA_MAX {
        let of_batch = metadata.num_messages_in_batch;
        let publish_time = metadata.publish_time;
        metadata = Metadata { publish_time, num_messages_in_batch: of_batch, ..Metadata::default() };
        format!("{metadata_bytes} bytes of metadata, more than {METADATA_MAX}")
    } else if data.len() > most {
        format!("{} bytes, more than {most}", data.len())
    } else {
        return Payload { metadata, data: data.to_vec() };
    };
    note(&mut metadata, reason);
    Payload { metadata, data: data[..data.len().min(KEPT)].to_vec() }
}

/// The messages of an entry; one message with a note if they cannot be unpacked within the limits.
pub(crate) fn unpack(id: MessageIdData, mut payload: Payload) -> Vec<(MessageIdData, Payload)> {
    let noted = payload.metadata.properties.iter().any(|property| property.key == NOT_UNPACKED);
    let unpacked = if noted { Ok(Vec::new()) } else { messages(&id, &payload) };
    match unpacked {
        Ok(messages) if !messages.is_empty() => messages,
        other => {
            if let Err(reason) = other {
                note(&mut payload.metadata, reason);
            }
            payload.metadata.num_messages_in_batch = None;
            payload.data.truncate(KEPT);
            vec![(id, payload)]
        }
    }
}

fn note(metadata: &mut Metadata, reason: String) {
    metadata.properties = vec![KeyValue { key: NOT_UNPACKED.to_owned(), value: reason }];
}

/// An entry takes as many permits as it says that it has messages, so the queue is bounded by permits times MESSAGE_MAX.
fn limit(metadata: &Metadata) -> usize {
    let messages = metadata.num_messages_in_batch.unwrap_or(1).clamp(1, BATCH_MAX) as usize;
    (MESSAGE_MAX * messages).min(ENTRY_MAX)
}

fn messages(id: &MessageIdData, payload: &Payload) -> Result<Vec<(MessageIdData, Payload)>, String> {
    let Payload { metadata, data } = payload;
    let compression = metadata.compression.unwrap_or(CompressionType::None as i32);
    let most = limit(metadata);
    let data = match CompressionType::try_from(compression) {
        Ok(CompressionType::None) => data.clone(),
        Ok(CompressionType::Lz4) => unpack_lz4(data, metadata.uncompressed_size, most)?,
        Ok(CompressionType::Zlib) => read_within(flate2::read::ZlibDecoder::new(&data[..]), most)?,
        Ok(CompressionType::Zstd) => unpack_zstd(data, most)?,
        Ok(CompressionType::Snappy) => unpack_snappy(data, most)?,
        Err(_) => return Err(format!("unknown compression {compression}")),
    };
    let unpacked = Payload { metadata: metadata.clone(), data };
    match metadata.num_messages_in_batch {
        None => Ok(vec![(id.clone(), unpacked)]),
        Some(count) if !(1..=BATCH_MAX).contains(&count) => Err(format!("{count} messages in one entry")),
        Some(_) => {
            let messages = BatchedMessageIterator::new(id.clone(), unpacked).map_err(|error| error.to_string())?;
            Ok(messages.collect())
        }
    }
}

fn unpack_lz4(data: &[u8], size: Option<u32>, most: usize) -> Result<Vec<u8>, String> {
    // It is allocated at once, so it is looked at first.
    let size = size.ok_or("no size of what is unpacked")?;
    if size as usize > most {
        return Err(too_large(most));
    }
    lz4::block::decompress(data, Some(size as i32)).map_err(|error| error.to_string())
}

fn unpack_zstd(data: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let mut decoder = zstd::stream::read::Decoder::new(data).map_err(|error| error.to_string())?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|error| error.to_string())?;
    read_within(decoder, most)
}

/// In frames, as this crate writes it, or in one block, as the official clients do.
fn unpack_snappy(data: &[u8], most: usize) -> Result<Vec<u8>, String> {
    if data.starts_with(b"\xff\x06\x00\x00sNaPpY") {
        return read_within(snap::read::FrameDecoder::new(data), most);
    }
    let size = snap::raw::decompress_len(data).map_err(|error| error.to_string())?;
    if size > most {
        return Err(too_large(most));
    }
    snap::raw::Decoder::new().decompress_vec(data).map_err(|error| error.to_string())
}

fn read_within(reader: impl Read, most: usize) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    reader.take(most as u64 + 1).read_to_end(&mut unpacked).map_err(|error| error.to_string())?;
    if unpacked.len() > most {
        return Err(too_large(most));
    }
    Ok(unpacked)
}

fn too_large(most: usize) -> String {
    format!("more than {most} bytes unpacked")
}
