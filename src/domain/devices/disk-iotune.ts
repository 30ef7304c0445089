import type { Size } from '../values.js';
import { type FieldTable, integer, seconds, size, text } from './fields.js';

/** Limits of a disk's throughput. A total excludes the read and write limits of its sort. libvirt: `<iotune>`. */
export interface IotuneSpec {
  /** Bytes per second, as a size: `'100 MiB'`. */
  readonly totalBytesSec?: Size | undefined;
  readonly readBytesSec?: Size | undefined;
  readonly writeBytesSec?: Size | undefined;
  /** Operations per second. */
  readonly totalIopsSec?: number | undefined;
  readonly readIopsSec?: number | undefined;
  readonly writeIopsSec?: number | undefined;
  /** Bursts above the limit that are let through. */
  readonly totalBytesSecMax?: Size | undefined;
  readonly readBytesSecMax?: Size | undefined;
  readonly writeBytesSecMax?: Size | undefined;
  readonly totalIopsSecMax?: number | undefined;
  readonly readIopsSecMax?: number | undefined;
  readonly writeIopsSecMax?: number | undefined;
  /** How long a burst may last, in milliseconds, whole seconds. libvirt 2.4.0 */
  readonly totalBytesSecMaxLength?: number | undefined;
  readonly readBytesSecMaxLength?: number | undefined;
  readonly writeBytesSecMaxLength?: number | undefined;
  readonly totalIopsSecMaxLength?: number | undefined;
  readonly readIopsSecMaxLength?: number | undefined;
  readonly writeIopsSecMaxLength?: number | undefined;
  /** Operations count once per so many bytes. */
  readonly sizeIopsSec?: Size | undefined;
  /** Disks of one group share the limits. libvirt 3.0.0 */
  readonly groupName?: string | undefined;
}

const operations = (name: string) => integer(`iotune/${name}`, { min: 1 });

/** The fields of {@link IotuneSpec}. */
export const iotuneFields: FieldTable<IotuneSpec> = {
  totalBytesSec: size('iotune/total_bytes_sec'),
  readBytesSec: size('iotune/read_bytes_sec'),
  writeBytesSec: size('iotune/write_bytes_sec'),
  totalIopsSec: operations('total_iops_sec'),
  readIopsSec: operations('read_iops_sec'),
  writeIopsSec: operations('write_iops_sec'),
  totalBytesSecMax: size('iotune/total_bytes_sec_max'),
  readBytesSecMax: size('iotune/read_bytes_sec_max'),
  writeBytesSecMax: size('iotune/write_bytes_sec_max'),
  totalIopsSecMax: operations('total_iops_sec_max'),
  readIopsSecMax: operations('read_iops_sec_max'),
  writeIopsSecMax: operations('write_iops_sec_max'),
  totalBytesSecMaxLength: seconds('iotune/total_bytes_sec_max_length'),
  readBytesSecMaxLength: seconds('iotune/read_bytes_sec_max_length'),
  writeBytesSecMaxLength: seconds('iotune/write_bytes_sec_max_length'),
  totalIopsSecMaxLength: seconds('iotune/total_iops_sec_max_length'),
  readIopsSecMaxLength: seconds('iotune/read_iops_sec_max_length'),
  writeIopsSecMaxLength: seconds('iotune/write_iops_sec_max_length'),
  sizeIopsSec: size('iotune/size_iops_sec'),
  groupName: text('iotune/group_name'),
};
