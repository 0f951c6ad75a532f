#!/bin/bash
# Two machines of eight GPUs, one process each: sbatch docs/cluster/slurm.sh all --data shards --wavegan model.ckpt --run runs/sc09
# All paths must be on a file system that both machines share.
# If the job reaches its time limit or loses a machine, it is requeued and resumes.
#SBATCH --job-name=tf-wavegan-inv
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u

port=$((20000 + SLURM_JOB_ID % 20000))
WORKERS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$port\"/" | paste -sd, -)
export WORKERS

# shellcheck disable=SC2016 - each process expands its own SLURM_PROCID
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" bash -c '
    export TF_CONFIG="{\"cluster\": {\"worker\": [$WORKERS]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
    exec python train_keras.py "$@"' train "$@"
code=$?

case $code in
    75 | 137 | 143) # a worker is lost, killed or stopped; a user error has exit code 78
        [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ] && scontrol requeue "$SLURM_JOB_ID"
        ;;
esac
exit $code
