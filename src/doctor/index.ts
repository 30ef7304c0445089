/**
 * The doctor room: what is wrong with a host and its domains, or will be. One concern a file; it only reads.
 */
export { type DoctorHost, type DoctorOptions, doctor } from './doctor.js';
export { DOCTOR_FINDINGS, type DoctorCode, type DoctorFinding, type DoctorSeverity } from './finding.js';
