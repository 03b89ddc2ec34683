/** Looks for a QR code in what a camera sees. The pictures stay in memory and are shown in the page's video alone. */

type Detector = { detect(source: CanvasImageSource): Promise<{ rawValue: string }[]> };
type Detectors = {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
};

export type ScanEvents = {
  looking: () => void;
  /** Whether the text was what was looked for; if not, the search goes on. */
  found: (text: string) => Promise<boolean>;
};

/** Between two looks, ms: a code is held still for longer, and the processor has other work. */
const LOOK_MS = 200;
/** A picture that is looked at by the decoder of this app, px: enough for the largest invite that fills half of it. */
const LOOK_SIDE = 720;

/** The browser's own detector where there is one, else a decoder that is loaded now. */
async function detector(): Promise<(video: HTMLVideoElement) => Promise<string | null>> {
  const { BarcodeDetector: Native } = globalThis as { BarcodeDetector?: Detectors };
  const formats: readonly string[] = (await Native?.getSupportedFormats().catch(() => [])) ?? [];
  if (Native && formats.includes('qr_code')) {
    const native = new Native({ formats: ['qr_code'] });
    return async (video) => (await native.detect(video))[0]?.rawValue ?? null;
  }
  const { decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  return async (video) => {
    const { videoWidth, videoHeight } = video;
    const scale = Math.min(1, LOOK_SIDE / Math.min(videoWidth, videoHeight));
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height), { timeLimit: LOOK_MS / 2 });
    } catch {
      return null; // no code in this picture
    }
  };
}

/** Shows the camera in `video` and tells of each new code until one was the right one or `end` says so. */
export async function startScan(
  video: HTMLVideoElement,
  end: AbortSignal,
  events: ScanEvents,
): Promise<void> {
  const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
  if (!mediaDevices) throw new DOMException('no camera', 'NotFoundError');
  const wanted = { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 1280 } };
  const stream = await mediaDevices.getUserMedia({ video: wanted, audio: false });
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  if (end.aborted) return stop();
  end.addEventListener('abort', stop);
  video.srcObject = stream;
  await video.play();
  const look = await detector();
  events.looking();
  let last: string | null = null;
  while (!end.aborted) {
    const text = video.readyState >= video.HAVE_CURRENT_DATA ? await look(video).catch(() => null) : null;
    if (text !== null && text !== last && (await events.found(text))) return stop();
    last = text ?? last;
    await new Promise((next) => setTimeout(next, LOOK_MS));
  }
}
