"""Every RocksDB option that matters, chosen by name, and the memory that engines share.

A default of another RocksDB version must change nothing, hence the length of the list.
"""

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DataBlockIndexType,
    DBCompressionType,
    Options,
    WriteBufferManager,
)

from pegasus_tab.base.limits import KIB, MIB

BLOCK_CACHE_BYTES = 256 * MIB
WRITE_BUFFER_BYTES = 32 * MIB
WRITE_BUFFERS_TOTAL_BYTES = 256 * MIB


class RocksMemory:
    """Block cache and write buffers that all engines of a process share, so that memory is bounded.

    Args:
        block_cache_bytes: uncompressed blocks kept for reads, >= 0.
        write_buffers_bytes: once all engines' write buffers reach this, the largest is flushed.
    """

    def __init__(
        self,
        block_cache_bytes: int = BLOCK_CACHE_BYTES,
        write_buffers_bytes: int = WRITE_BUFFERS_TOTAL_BYTES,
    ) -> None:
        self.block_cache = Cache(block_cache_bytes)
        self.write_buffers = WriteBufferManager(write_buffers_bytes, allow_stall=False)


def rocks_options(memory: RocksMemory) -> Options:
    """Make the options of one engine; each comment says what the choice buys.

    Args:
        memory: shared with the other engines of the process.
    """
    table = BlockBasedOptions()
    table.set_block_cache(memory.block_cache)
    # 10 bits a key: 1 % of the misses read a block. Makes NOT_EXIST inserts cheap.
    table.set_bloom_filter(10, block_based=False)
    table.set_block_size(8 * KIB)
    # A hash index inside the block saves the binary search of a point read; scans do not feel it.
    table.set_data_block_index_type(DataBlockIndexType.binary_and_hash())
    table.set_data_block_hash_ratio(0.75)

    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=True)
    options.set_paranoid_checks(enabled=True)
    options.set_block_based_table_factory(table)
    # lz4 halves text rows and decompresses faster than a disk delivers; the cache holds blocks
    # uncompressed, so it costs only on a miss.
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_manager(memory.write_buffers)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(4)
    # A small whole-key filter beside the write buffer answers most misses without the skip list.
    options.set_memtable_prefix_bloom_ratio(0.02)
    options.set_memtable_whole_key_filtering(whole_key_filter=True)
    # Writes run in the reactor's thread; a stall stops everything, so the limits are wide.
    options.set_level_zero_file_num_compaction_trigger(4)
    options.set_level_zero_slowdown_writes_trigger(40)
    options.set_level_zero_stop_writes_trigger(64)
    options.set_level_compaction_dynamic_level_bytes(v=True)
    options.set_max_background_jobs(2)
    # Spread the writes of a flush, so that an fdatasync of the log never waits behind all of it.
    options.set_bytes_per_sync(1 * MIB)
    options.set_avoid_unnecessary_blocking_io(val=True)
    options.set_max_open_files(-1)
    options.set_max_file_opening_threads(1)
    options.set_skip_stats_update_on_db_open(skip=True)
    options.set_stats_dump_period_sec(0)
    options.set_stats_persist_period_sec(0)
    options.set_max_log_file_size(1 * MIB)
    options.set_keep_log_file_num(2)
    return options
