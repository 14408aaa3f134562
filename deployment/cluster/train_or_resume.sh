#!/usr/bin/env bash
# Starts a training on this node, or goes on with the one whose checkpoints are already under OUTPUTS: what a job runs
# every time a scheduler starts or restarts it.
#
#     train_or_resume.sh CHAPTER OUTPUTS ARGUMENT...
#
# CHAPTER is a folder such as models/01_perceptron, OUTPUTS a folder of this job alone that all nodes share, and the
# arguments are those of train.py. torchrun takes its settings from PET_NNODES, PET_NPROC_PER_NODE and so on, which
# Kubeflow sets; without them it starts one process. PYTHON names an interpreter other than the chapter's own.
set -euo pipefail

chapter=$1
outputs=$2
shift 2
python=${PYTHON:-$chapter/.venv/bin/python}

if compgen -G "$outputs/models/*/config.yaml" >/dev/null; then # a run that can be found can be resumed
    set -- "$@" --resume latest
fi
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec "$python" -m torch.distributed.run "$chapter/src/train.py" --outputs "$outputs" "$@"
