import assert from "node:assert/strict";

/** What a picture's bytes, and not its label, say of it. Fails unless it is whole. */
export async function pictureOf(blob) {
  const bytes = Buffer.from(await blob.arrayBuffer());
  const picture = png(bytes) ?? jpeg(bytes) ?? webp(bytes);
  assert.ok(picture, `no picture, but ${bytes.length} bytes: ${bytes.subarray(0, 60).toString("latin1")}`);
  return picture;
}

function png(bytes) {
  if (bytes.toString("latin1", 0, 8) !== "\x89PNG\r\n\x1a\n") {
    return undefined;
  }

  assert.equal(bytes.toString("latin1", bytes.length - 8, bytes.length - 4), "IEND", "the PNG has no end");
  return { format: "png", width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function jpeg(bytes) {
  if (bytes.readUInt16BE(0) !== 0xffd8) {
    return undefined;
  }

  assert.equal(bytes.readUInt16BE(bytes.length - 2), 0xffd9, "the JPEG has no end");
  let at = 2;
  while (![0xffc0, 0xffc1, 0xffc2].includes(bytes.readUInt16BE(at))) {
    at += 2 + bytes.readUInt16BE(at + 2);
  }

  return { format: "jpeg", width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
}

function webp(bytes) {
  if (bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WEBP") {
    return undefined;
  }

  assert.equal(bytes.readUInt32LE(4) + 8, bytes.length, "the WebP is not as long as it says");
  const [width, height] = losslessWebpSize(bytes);
  return { format: "webp", width, height };
}

/** Lossless ones only, as that is what the simulator paints. */
function losslessWebpSize(bytes) {
  assert.equal(bytes.toString("latin1", 12, 16), "VP8L");
  const sides = bytes.readUInt32LE(21);
  return [(sides & 0x3fff) + 1, ((sides >> 14) & 0x3fff) + 1];
}
