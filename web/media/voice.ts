import { levelOf, peaksOf } from './peaks.ts';

/** Voice notes: recorded in the page, told to nobody before they are sent. */

/** The first of these that the browser can write. */
const TYPES = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4'];
/** Enough for speech: 10 minutes are 2.4 MB. */
const BITS_PER_SECOND = 32_000;
const SPEECH = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export type VoiceNote = { content: Blob; durationMs: number; peaks: number[] };

export type Recording = {
  /** How loud it is now, 0 to 1. */
  level(): number;
  /** Ends it. Rejects where nothing was recorded. */
  stop(): Promise<VoiceNote>;
  /** Ends it, and nothing stays. */
  cancel(): void;
};

/** Begins to record. Rejects when the user does not let it, or there is no microphone. */
export const recordVoice = async (): Promise<Recording> => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: SPEECH });
  const context = new AudioContext();
  const close = (): void => {
    for (const track of stream.getTracks()) track.stop();
    void context.close();
  };
  try {
    const analyser = new AnalyserNode(context, { fftSize: 1024 });
    context.createMediaStreamSource(stream).connect(analyser);
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, {
      ...(mimeType !== undefined && { mimeType }),
      audioBitsPerSecond: BITS_PER_SECOND,
    });
    return recordingOf(recorder, context, analyser, close);
  } catch (error) {
    close();
    throw error;
  }
};

const recordingOf = (
  recorder: MediaRecorder,
  context: AudioContext,
  analyser: AnalyserNode,
  close: () => void,
): Recording => {
  const parts: Blob[] = [];
  const ended = new Promise<void>((done) => recorder.addEventListener('stop', () => done()));
  recorder.addEventListener('dataavailable', ({ data }) => void parts.push(data));
  recorder.start();
  const startedAt = performance.now();
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      // Speech has a fraction of the power of the loudest tone.
      return Math.min(1, levelOf(samples) * 4);
    },
    async stop() {
      const lastedMs = performance.now() - startedAt;
      if (recorder.state !== 'inactive') recorder.stop();
      await ended;
      const content = new Blob(parts, { type: recorder.mimeType });
      const heard = await context.decodeAudioData(await content.arrayBuffer()).catch(() => undefined);
      close();
      if (content.size === 0) throw new Error('Nothing was recorded.');
      if (!heard) return { content, durationMs: Math.round(lastedMs), peaks: [] };
      return {
        content,
        durationMs: Math.round(heard.duration * 1000),
        peaks: peaksOf(heard.getChannelData(0)),
      };
    },
    cancel() {
      if (recorder.state !== 'inactive') recorder.stop();
      parts.length = 0;
      close();
    },
  };
};
