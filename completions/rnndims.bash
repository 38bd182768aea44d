# Completion of rnndims for bash. Written by "rnndims completion bash": do not edit.

# _rnndims_option COMMAND OPTION: what follows the option. Sets kind, and values where kind is choice.
_rnndims_option() {
    kind=flag values=
    case $1:$2 in
        run:--cell|weights:--cell|cell:--cell|concat-demo:--cell|diagram:--cell|dims:--cell|check:--cell) kind=choice values="rnn lstm gru" ;;
        run:--input-size|run:-i|run:--hidden-size|run:-H|run:--layers|run:--num-layers|run:-l|run:--dropout|run:--proj-size|run:--define|run:-D|run:--seq-len|run:-t|run:--batch-size|run:-n|run:--lengths|run:--name|run:--seed|weights:--input-size|weights:-i|weights:--hidden-size|weights:-H|weights:--layers|weights:--num-layers|weights:-l|weights:--dropout|weights:--proj-size|weights:--define|weights:-D|weights:--seq-len|weights:-t|weights:--batch-size|weights:-n|weights:--lengths|weights:--seed|weights:--name|cell:--input-size|cell:-i|cell:--hidden-size|cell:-H|cell:--layers|cell:--num-layers|cell:-l|cell:--dropout|cell:--proj-size|cell:--define|cell:-D|cell:--seq-len|cell:-t|cell:--batch-size|cell:-n|cell:--lengths|cell:--name|cell:--seed|concat-demo:--input-size|concat-demo:-i|concat-demo:--hidden-size|concat-demo:-H|concat-demo:--layers|concat-demo:--num-layers|concat-demo:-l|concat-demo:--dropout|concat-demo:--proj-size|concat-demo:--define|concat-demo:-D|concat-demo:--seq-len|concat-demo:-t|concat-demo:--batch-size|concat-demo:-n|concat-demo:--lengths|concat-demo:--seed|diagram:--input-size|diagram:-i|diagram:--hidden-size|diagram:-H|diagram:--layers|diagram:--num-layers|diagram:-l|diagram:--dropout|diagram:--proj-size|diagram:--define|diagram:-D|diagram:--seq-len|diagram:-t|diagram:--batch-size|diagram:-n|diagram:--lengths|diagram:--layer|diagram:--max-steps|diagram:--max-layers|dims:--input-size|dims:-i|dims:--hidden-size|dims:-H|dims:--layers|dims:--num-layers|dims:-l|dims:--dropout|dims:--proj-size|dims:--define|dims:-D|dims:--seq-len|dims:-t|dims:--batch-size|dims:-n|dims:--lengths|check:--input-size|check:-i|check:--hidden-size|check:-H|check:--layers|check:--num-layers|check:-l|check:--dropout|check:--proj-size|check:--define|check:-D|check:--input|check:--h0|check:--c0|check:--lengths|check:--output|check:--h-n|check:--c-n|check:--linear|check:--uses|check:--target|check:--decoder|check:--name|check:--error) kind=free ;;
        run:--nonlinearity|weights:--nonlinearity|cell:--nonlinearity|concat-demo:--nonlinearity|diagram:--nonlinearity|dims:--nonlinearity|check:--nonlinearity) kind=choice values="tanh relu" ;;
        run:--dtype|weights:--dtype|cell:--dtype|concat-demo:--dtype|diagram:--dtype|dims:--dtype|check:--input-dtype) kind=choice values="float16 bfloat16 float32 float64 complex64 complex128" ;;
        run:--weights|run:--input|run:--h0|run:--c0|run:--save|run:--export|weights:--export|cell:--weights|cell:--input|cell:--h0|cell:--c0|cell:--export|concat-demo:--export|diagram:--output|diagram:--export|diagram:-o|dims:--export|dims:--from-jsonl|check:--export|trace:--report) kind=file ;;
        run:--device|weights:--device|cell:--device|concat-demo:--device) kind=choice values="auto cpu cuda mps meta" ;;
        diagram:--format) kind=choice values="text ascii svg dot mermaid png" ;;
        check:--loss) kind=choice values="ce mse ctc" ;;
    esac
}

# _rnndims_argument COMMAND NUMBER: what the argument of that number (from 0) is.
_rnndims_argument() {
    kind=free values=
    case $1:$2 in
        weights:0) kind=file ;;
        completion:0) kind=choice values="bash zsh fish powershell" ;;
    esac
}

# _rnndims_names COMMAND: its options.
_rnndims_names() {
    case $1 in
        '') kind=choice values="--version --help" ;;
        run) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --seq-len --batch-size --unbatched --lengths --dtype --weights --name --input --h0 --c0 --save --device --seed --values --json --export --force --code --help" ;;
        weights) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --seq-len --batch-size --unbatched --lengths --dtype --device --seed --values --json --export --force --code --name --help" ;;
        cell) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --seq-len --batch-size --unbatched --lengths --dtype --weights --name --input --h0 --c0 --device --seed --values --json --export --force --code --help" ;;
        concat-demo) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --seq-len --batch-size --unbatched --lengths --dtype --device --seed --values --json --export --force --code --help" ;;
        diagram) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --seq-len --batch-size --unbatched --lengths --dtype --json --cell-view --matmul --layer --format --output --export --force --code --max-steps --max-layers --help" ;;
        dims) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --seq-len --batch-size --unbatched --lengths --dtype --json --export --force --code --from-jsonl --help" ;;
        check) kind=choice values="--cell --input-size --hidden-size --layers --num-layers --bidirectional --no-bidirectional --batch-first --no-batch-first --bias --no-bias --dropout --proj-size --nonlinearity --define --input --h0 --c0 --lengths --input-dtype --output --h-n --c-n --linear --uses --target --loss --decoder --attention --name --error --json --export --force --code --help" ;;
        trace) kind=choice values="--report --force --quiet --help" ;;
        completion) kind=choice values="--help" ;;
    esac
}

_rnndims() {
    local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} command= option= prefix= kind= values= ended= word i number=0
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = && -n $option && ${COMP_WORDS[i - 1]} == "$option" ]]; then
            continue
        elif [[ $word == [=:] || $word == [=:][=:] ]]; then # bash has split one word in two: a=3, cuda:0
            ((++i < COMP_CWORD)) || return 0
        elif [[ -n $option ]]; then
            option=
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -?* ]]; then
            _rnndims_option "$command" "$word"
            [[ $kind == flag ]] || option=$word
        elif [[ -z $command ]]; then
            command=$word
        else
            ((number += 1))
        fi
    done
    if [[ $cur == = ]]; then
        cur=
    elif [[ $cur == [=:]* ]]; then
        return 0
    fi
    if [[ -z $option && -z $ended && $cur == --*=* ]]; then # "=" did not split the word: bash 3, or the user's choice
        option=${cur%%=*} cur=${cur#*=}
        [[ ${COMP_WORDBREAKS-} == *=* ]] || prefix=$option=
    fi

    if [[ -n $option ]]; then
        _rnndims_option "$command" "$option"
    elif [[ -z $ended && $cur == -* ]]; then
        _rnndims_names "$command"
    elif [[ -z $command ]]; then
        kind=choice values="run weights cell concat-demo diagram dims check trace completion"
    else
        _rnndims_argument "$command" "$number"
        [[ $kind == free && -z $cur$ended ]] && _rnndims_names "$command"
    fi

    if [[ $kind == file ]]; then
        if [[ -z $prefix ]] && compopt -o default 2>/dev/null; then
            return 0 # no reply of our own: readline completes file names
        fi
        while IFS= read -r word; do
            COMPREPLY+=("$prefix$word")
        done < <(compgen -f -- "$cur")
    elif [[ $kind == choice ]]; then
        for word in $values; do
            [[ $word == "$cur"* ]] && COMPREPLY+=("$prefix$word")
        done
    fi
    return 0
}

complete -F _rnndims rnndims
