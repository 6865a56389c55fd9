#!/bin/bash
# Slurm: a run on two nodes with four GPUs each, one rank a GPU. sbatch scripts/slurm_example.sh CONFIG.ini [OPTIONS]
# A sweep is shared by its points, a single large grid by its rows; -p points or -p grids among the options chooses.
# Without GPUs: leave --gpus-per-node out; --ntasks-per-node=2 with the cores of a socket each is a good choice.
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=4
#SBATCH --time=04:00:00
#SBATCH --signal=USR1@120          # two minutes before the end: finish what is at work and save
#SBATCH --requeue
set -eu
config=${1:?sbatch scripts/slurm_example.sh CONFIG.ini [OPTIONS]}
shift
out=${config%.ini}.h5

# A job that was interrupted, or is submitted again, goes on from its file.
resume=
[ -e "$out" ] && resume=--resume
exec srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit \
    build/nanolase run "$config" -o "$out" -b cuda $resume "$@"
