/** Frames per render quantum (Web Audio §1.32.1). Missing in @types/audioworklet 0.0.100, and in Firefox 153. */
declare const renderQuantumSize: number | undefined;
